"""`Migrated`: the schema is the one the release needs."""

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.verdict import Verdict


def judge_migrated(facts: Facts) -> Verdict:
    """Judge the migration Job of this release."""
    job = facts.migration
    if job is None:
        before = facts.previous.find_condition("Migrated")
        if before is not None:
            return Verdict(
                type="Migrated", status=before.status, reason=before.reason, message=before.message
            )
        message = "the data tier comes first"
        return Verdict(type="Migrated", status="Unknown", reason="NotStarted", message=message)
    if job.is_stuck:
        error = facts.migration_message.text or job.message
        message = (
            f"{job.name} failed: {error}; the release before goes on running. Correct the cause"
            f" and delete the Job to try again"
        )
        return Verdict(type="Migrated", status="False", reason="MigrationFailed", message=message)
    if job.is_ready:
        message = facts.migration_message.text or "the schema is the one this release needs"
        return Verdict(type="Migrated", status="True", reason="Complete", message=message)
    message = f"{job.name} is running"
    return Verdict(type="Migrated", status="False", reason="Running", message=message)
