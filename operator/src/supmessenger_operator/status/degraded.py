"""`Degraded`: it runs, but not as it should."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.component_ready import STUCK_REASONS, TURN_REASONS
from supmessenger_operator.status.verdict import Verdict, join_messages

# What a rollout drags along (an api without its database) has this long to come back.
RECOVERY = timedelta(seconds=60)
HEALTHY = "nothing that was installed has failed"


def judge_degraded(facts: Facts, components: Sequence[Verdict]) -> Verdict:
    """Name the parts that are not well although they should be by now."""
    failing = [verdict for verdict in components if _is_failing(verdict, facts)]
    if failing:
        message = join_messages(failing)
        return Verdict(type="Degraded", status="True", reason="ComponentsNotReady", message=message)
    report = facts.fresh_report
    smtp = report.find("smtp") if report is not None else None
    if smtp is not None and not smtp.ok:
        message = f"emails can't be sent: {smtp.message}; see spec.smtp"
        return Verdict(type="Degraded", status="True", reason="SmtpFailing", message=message)
    push = _find_push_problem(facts)
    if push:
        message = f"devices can't be woken: {push}; see spec.push"
        return Verdict(type="Degraded", status="True", reason="PushFailing", message=message)
    other = _find_other_problem(facts)
    if other:
        return Verdict(type="Degraded", status="True", reason="NotConfigured", message=other)
    certificate = facts.inputs.certificate if facts.inputs is not None else None
    # One that can't be used at all is the edge's own failure.
    if certificate is not None and certificate.problem and certificate.is_usable:
        message = f"the edge's certificate could not be renewed: {certificate.problem}"
        return Verdict(
            type="Degraded", status="True", reason="CertificateNotRenewed", message=message
        )
    return Verdict(type="Degraded", status="False", reason="Healthy", message=HEALTHY)


def _find_other_problem(facts: Facts) -> str:
    """Return what is wrong with the fields of parts that have no condition of their own."""
    problems = facts.messenger.problems if facts.messenger is not None else {}
    known = {component.name for component in facts.components}
    return "; ".join(text for part, text in problems.items() if part not in known)


def _find_push_problem(facts: Facts) -> str:
    """Return why push does not work: what it needs is missing, or its live check fails."""
    missing = facts.inputs.problems.get("push", "") if facts.inputs is not None else ""
    report = facts.fresh_report
    check = report.find("push") if report is not None else None
    return missing or (check.message if check is not None and not check.ok else "")


def _is_failing(verdict: Verdict, facts: Facts) -> bool:
    if verdict.status != "False":
        return False
    if verdict.reason in STUCK_REASONS:
        return True
    # A pod that a rollout takes away, and all of a first installation, is on its way.
    if not facts.is_installed or verdict.reason in TURN_REASONS | {"RollingOut"}:
        return False
    if facts.is_waking or facts.is_hibernated:
        return False
    return not _is_moving(facts) or _lasts(verdict, facts)


def _is_moving(facts: Facts) -> bool:
    """Whether a rollout is under way; a pod lost out of the blue does not begin one."""
    if any(item.is_rolling for item in facts.observed):
        return True
    reconciling = facts.previous.find_condition("Reconciling")
    degraded = facts.previous.find_condition("Degraded")
    was_degraded = degraded is not None and degraded.status == "True"
    return reconciling is not None and reconciling.status == "True" and not was_degraded


def _lasts(verdict: Verdict, facts: Facts) -> bool:
    before = facts.previous.find_condition(verdict.type)
    if before is None or before.status != "False":
        return False
    return facts.now - datetime.fromisoformat(before.last_transition_time) > RECOVERY
