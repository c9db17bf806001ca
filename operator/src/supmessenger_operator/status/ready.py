"""`Ready`: everything asked for runs and answers its live check."""

from collections.abc import Sequence

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.verdict import Verdict, join_messages


def judge_ready(
    facts: Facts, components: Sequence[Verdict], *, stalled: Verdict, reconciling: Verdict
) -> Verdict:
    """Judge the whole from its parts."""
    if stalled.is_true:
        return Verdict(type="Ready", status="False", reason="Stalled", message=stalled.message)
    if facts.is_hibernated:
        message = f"it goes to sleep as asked for: {reconciling.message}"
        return Verdict(type="Ready", status="False", reason="FallingAsleep", message=message)
    if reconciling.is_true and not facts.is_installed:
        return Verdict(
            type="Ready", status="False", reason="Installing", message=reconciling.message
        )
    failing = [verdict for verdict in components if verdict.status == "False"]
    if failing:
        message = join_messages(failing)
        return Verdict(type="Ready", status="False", reason="ComponentsNotReady", message=message)
    unknown = [verdict for verdict in components if verdict.status == "Unknown"]
    if unknown:
        message = f"{unknown[0].type}: {unknown[0].message}"
        return Verdict(type="Ready", status="Unknown", reason="NotChecked", message=message)
    if reconciling.is_true:
        return Verdict(
            type="Ready",
            status="Unknown",
            reason=reconciling.reason,
            message=reconciling.message,
        )
    if facts.messenger is None:
        return Verdict(type="Ready", status="Unknown", reason="NotRead", message="not read yet")
    message = f"all {len(components)} parts run and answer their live checks"
    return Verdict(type="Ready", status="True", reason="AllChecked", message=message)
