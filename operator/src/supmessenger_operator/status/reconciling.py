"""`Reconciling`: the operator or Kubernetes is on its way to what was asked for."""

from collections.abc import Sequence

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.component_ready import STUCK_REASONS
from supmessenger_operator.status.hibernated import REASON
from supmessenger_operator.status.verdict import Verdict


def judge_reconciling(facts: Facts, components: Sequence[Verdict]) -> Verdict:
    """Say what is still under way; what is stuck is not under way."""
    if facts.outcome.stalled is not None:
        return _idle("Stalled", "a person must act first, see Stalled")
    if facts.outcome.waiting is not None:
        waiting = facts.outcome.waiting
        message = _count_ready(components) + waiting.message
        return Verdict(type="Reconciling", status="True", reason=waiting.reason, message=message)
    if facts.outcome.paused:
        message = (
            "paused: changes are held and edits by hand stay; remove the annotation"
            " supmessenger.io/paused to go on"
        )
        return _idle("Paused", message)
    moving = [
        verdict
        for verdict in components
        if not verdict.is_true and verdict.reason not in STUCK_REASONS | {REASON}
    ]
    if moving:
        first = moving[0]
        message = f"{_count_ready(components)}waiting for {first.type}: {first.message}"
        return Verdict(type="Reconciling", status="True", reason=first.reason, message=message)
    rolling = [item.name for item in facts.observed if _is_rolling(item.kind, item.is_ready)]
    if rolling and not any(verdict.status == "False" for verdict in components):
        message = f"pods of {', '.join(sorted(rolling))} are being replaced"
        return Verdict(type="Reconciling", status="True", reason="RollingOut", message=message)
    return _idle("Settled", "nothing is under way")


def _count_ready(components: Sequence[Verdict]) -> str:
    """Return the beginning of a message: how far it is; nothing when every part is ready."""
    ready = sum(verdict.is_true for verdict in components)
    return f"{ready} of {len(components)} parts are ready, " if ready < len(components) else ""


def _is_rolling(kind: str, is_ready: bool) -> bool:
    return kind in ("Deployment", "StatefulSet") and not is_ready


def _idle(reason: str, message: str) -> Verdict:
    return Verdict(type="Reconciling", status="False", reason=reason, message=message)
