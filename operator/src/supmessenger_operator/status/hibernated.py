"""`Hibernated`: it sleeps as asked for; there only from going to sleep until it is awake again.

A sleeping instance has no `Ready` condition: it does not serve, and yet nothing is under way. So
`kubectl wait --for=condition=Ready` goes on waiting, while kstatus finds it as it shall be.
"""

from collections.abc import Sequence

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.status import ConditionStatus
from supmessenger_operator.status.verdict import Verdict

REASON = "Hibernated"


def judge_hibernated(facts: Facts, components: Sequence[Verdict]) -> Verdict | None:
    """Say how far sleep or waking has come; None for an instance that is simply awake."""
    if facts.messenger is None:
        return None
    if facts.is_hibernated:
        return _judge_sleep(facts)
    if not facts.is_waking or (components and all(verdict.is_true for verdict in components)):
        return None
    return _verdict("False", "Waking", "it wakes up part by part, the data tier first")


def _judge_sleep(facts: Facts) -> Verdict:
    awake = sorted(item.name for item in facts.observed if item.desired and _has_pods(item.kind))
    if facts.outcome.stalled is not None:
        return _verdict("False", "Stalled", "a person must act first, see Stalled")
    if facts.outcome.waiting is not None:
        return _verdict("False", "FallingAsleep", facts.outcome.waiting.message)
    if awake and facts.outcome.paused:
        message = "paused: it falls asleep when the annotation supmessenger.io/paused is gone"
        return _verdict("False", "Paused", message)
    if awake:
        return _verdict("False", "FallingAsleep", f"still awake: {', '.join(awake)}")
    messenger = facts.messenger
    where = f"{messenger.name} -n {messenger.namespace}" if messenger is not None else ""
    message = (
        "no pods run; data, Secrets and addresses are kept, backups are suspended; to wake it:"
        f" kubectl annotate sup {where} supmessenger.io/hibernate-"
    )
    return _verdict("True", "Asleep", message)


def _has_pods(kind: str) -> bool:
    return kind in ("Deployment", "StatefulSet")


def _verdict(status: ConditionStatus, reason: str, message: str) -> Verdict:
    return Verdict(type="Hibernated", status=status, reason=reason, message=message)
