"""`BackupHealthy`: the newest backup is good."""

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.verdict import Verdict


def judge_backup_healthy(facts: Facts) -> Verdict | None:
    """Judge the backups; None when they are off."""
    messenger = facts.messenger
    if messenger is None or not messenger.spec.backup.enabled:
        return None
    schedule = facts.find_object("CronJob", "backup")
    if schedule is None:
        return _verdict("Unknown", "NotScheduled", "the schedule is made when the rollout is done")
    jobs = [
        item
        for item in facts.observed
        if item.kind == "Job" and item.component == "backup" and (item.is_ready or item.is_stuck)
    ]
    newest = max(jobs, key=lambda item: item.created, default=None)
    if newest is not None and newest.is_stuck:
        message = (
            f"{newest.name} failed: {newest.message}; see"
            f" `kubectl logs job/{newest.name} -n {messenger.namespace}`"
        )
        return _verdict("False", "BackupFailed", message)
    if schedule.last_success or newest is not None:
        return _verdict("True", "BackedUp", f"last good backup: {schedule.last_success or 'now'}")
    message = (
        f"the first backup is due at {messenger.spec.backup.schedule}; make one now with"
        f" `kubectl create job --from=cronjob/{schedule.name} {messenger.name}-backup-now"
        f" -n {messenger.namespace}`"
    )
    return _verdict("Unknown", "NoBackupYet", message)


def _verdict(status: str, reason: str, message: str) -> Verdict:
    return Verdict(
        type="BackupHealthy",
        status="True" if status == "True" else "False" if status == "False" else "Unknown",
        reason=reason,
        message=message,
    )
