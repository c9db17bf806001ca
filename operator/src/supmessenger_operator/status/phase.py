"""The phase, one word for people, computed from the conditions and nothing else."""

from collections.abc import Mapping

from supmessenger_operator.model.status import Phase
from supmessenger_operator.status.verdict import Verdict


def compute_phase(verdicts: Mapping[str, Verdict], *, is_installed: bool) -> Phase:
    """Return the phase."""
    if verdicts["Stalled"].is_true:
        return "Stalled"
    hibernated = verdicts.get("Hibernated")
    if hibernated is not None and (hibernated.is_true or hibernated.reason == "FallingAsleep"):
        return "Hibernated" if hibernated.is_true else "Pending"
    if verdicts["Ready"].is_true and not verdicts["Degraded"].is_true:
        return "Ready"
    migrated = verdicts.get("Migrated")
    if migrated is not None and migrated.reason == "Running":
        return "Migrating"
    if verdicts["Degraded"].is_true:
        return "Degraded"
    if verdicts["Reconciling"].is_true or not is_installed:
        return "Installing"
    return "Pending"
