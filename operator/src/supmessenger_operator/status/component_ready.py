"""`<Component>Ready`: its pods are ready and the live check of the thing itself is good."""

from datetime import datetime, timedelta

from supmessenger_operator.model.checks import CheckReport
from supmessenger_operator.model.components import Component
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.status.hibernated import REASON
from supmessenger_operator.status.verdict import Verdict

# Not ready for longer than this is no longer "on its way".
STUCK_AFTER = timedelta(minutes=10)
# Another component's delay, not its own.
TURN_REASONS = frozenset({"NotCreated", "NotStarted"})
STUCK_REASONS = frozenset({"RolloutStuck", "NotReadyForLong", "NotConfigured"})
# Times in a status have whole seconds.
CLOCK_STEP = timedelta(seconds=1)


def judge_component(component: Component, facts: Facts) -> Verdict:
    """Judge one part."""
    verdict = (
        _judge_sleep(component, facts)
        or _judge_problem(component, facts)
        or _judge_workload(component, facts)
        or _judge_certificate(component, facts)
        or _judge_check(component, facts)
    )
    if verdict.status == "False" and _is_stuck(verdict, facts):
        reason = verdict.reason if verdict.reason in STUCK_REASONS else "NotReadyForLong"
        return Verdict(type=verdict.type, status="False", reason=reason, message=verdict.message)
    return verdict


def _judge_sleep(component: Component, facts: Facts) -> Verdict | None:
    """Return what sleep makes of a part: nobody knows how it is, and nobody needs to."""
    if not facts.is_hibernated:
        return None
    live = facts.find_workload(component)
    if live is not None and live.desired > 0:
        return None
    message = "no pods are wanted while the instance sleeps"
    if not component.workload:
        message = "it runs elsewhere and is not checked while the instance sleeps"
    return _verdict(component, "Unknown", REASON, message)


def _judge_problem(component: Component, facts: Facts) -> Verdict | None:
    """Return what keeps an optional part from being configured as it is asked for, or None."""
    if facts.inputs is None:
        return None
    problem = facts.inputs.problems.get(component.name, "")
    if problem:
        return _false(component, "NotConfigured", problem)
    addresses = {"livekit": facts.inputs.livekit_address, "turn": facts.inputs.turn_address}
    address = addresses.get(component.name)
    if component.mode == "embedded" and address is not None and address.problem:
        return _false(component, "WaitingForAddress", address.problem)
    return None


def _judge_workload(component: Component, facts: Facts) -> Verdict | None:
    """Return what is wrong with the pods, or None when they are well or not ours."""
    if not component.workload:
        return None
    live = facts.find_workload(component)
    if live is None:
        return _false(component, "NotCreated", "its turn in the rollout has not come yet")
    if live.is_stuck:
        return _false(component, "RolloutStuck", _advise(live, facts))
    if facts.is_waking and live.desired == 0 and component.name in facts.pending:
        return _false(component, "NotStarted", "its turn in waking up has not come yet")
    if live.ready < live.desired or (live.desired == 0 and not live.is_ready):
        reason = "RollingOut" if live.is_rolling else "NotReady"
        return _false(component, reason, _advise(live, facts))
    return None


def _judge_certificate(component: Component, facts: Facts) -> Verdict | None:
    """Return what keeps clients from trusting the edge, or None."""
    if component.name != "edge" or facts.inputs is None or facts.inputs.certificate.is_usable:
        return None
    certificate = facts.inputs.certificate
    if certificate.is_pending:
        message = "a certificate was ordered and has not come yet; until then our own is served"
        return _false(component, "WaitingForCertificate", message)
    return _false(component, "CertificateUnusable", certificate.problem)


def _judge_check(component: Component, facts: Facts) -> Verdict:
    live, report = facts.find_workload(component), facts.fresh_report
    if live is not None and live.desired == 0:
        return _verdict(component, "True", "ScaledToZero", "no pods are wanted")
    if report is None:
        message = "the instance's checker has not answered yet; it runs in the worker"
        return _verdict(component, "Unknown", "NotChecked", message)
    check = report.find(component.name)
    if check is None:
        return _verdict(component, "True", "PodsReady", "all pods are ready")
    if check.ok:
        return _verdict(component, "True", "Checked", check.message or "the live check is good")
    if not _is_newer_than_pods(report, component, facts):
        message = "not checked yet since its pods became ready; the next round comes within 30 s"
        return _verdict(component, "Unknown", "NotChecked", message)
    message = f"the live check fails: {check.message or 'no reason given'}"
    return _false(component, "CheckFailed", message)


def _is_newer_than_pods(report: CheckReport, component: Component, facts: Facts) -> bool:
    """Whether a failed check was made after the pods became ready, and so tells about them."""
    before = facts.previous.find_condition(component.condition)
    if before is None:
        return False
    if before.status == "Unknown":
        since = datetime.fromisoformat(before.last_transition_time)
        return report.checked_at >= since + CLOCK_STEP
    return before.status == "True" or before.reason in ("CheckFailed", "NotReadyForLong")


def _is_stuck(verdict: Verdict, facts: Facts) -> bool:
    if verdict.reason in STUCK_REASONS:
        return True
    before = facts.previous.find_condition(verdict.type)
    if before is None or before.status != "False" or verdict.reason in TURN_REASONS:
        return False
    since = datetime.fromisoformat(before.last_transition_time)
    return facts.now - since > STUCK_AFTER


def _advise(live: ObservedObject, facts: Facts) -> str:
    namespace = facts.messenger.namespace if facts.messenger is not None else ""
    return (
        f"{live.message or 'not ready'}; see"
        f" `kubectl describe {live.kind.lower()} {live.name} -n {namespace}`"
    )


def _false(component: Component, reason: str, message: str) -> Verdict:
    return Verdict(type=component.condition, status="False", reason=reason, message=message)


def _verdict(component: Component, status: str, reason: str, message: str) -> Verdict:
    return Verdict(
        type=component.condition,
        status="True" if status == "True" else "Unknown",
        reason=reason,
        message=message,
    )
