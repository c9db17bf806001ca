"""`BackupHealthy`: the newest backup is good, and none is overdue."""

from datetime import datetime

from supmessenger_operator.model.backups import compute_allowance, find_last_good
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.messenger import Messenger
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
    last_good = find_last_good(facts.observed)
    cure = (
        f"make one now with `kubectl create job --from=cronjob/{schedule.name}"
        f" {messenger.name}-backup-now -n {messenger.namespace}`"
    )
    if messenger.is_hibernated:
        message = f"suspended while the instance sleeps; last good backup: {last_good or 'none'}"
        return _verdict("Unknown", "Suspended", message)
    if _is_overdue(messenger, last_good or schedule.created, now=facts.now):
        message = (
            f"no good backup since {last_good or schedule.created}, although one is due at"
            f" {messenger.spec.backup.schedule}: see `kubectl describe cronjob {schedule.name}"
            f" -n {messenger.namespace}`; {cure}"
        )
        return _verdict("False", "BackupOverdue", message)
    if last_good:
        return _verdict("True", "BackedUp", f"last good backup: {last_good}")
    message = f"the first backup is due at {messenger.spec.backup.schedule}; {cure}"
    return _verdict("Unknown", "NoBackupYet", message)


def _is_overdue(messenger: Messenger, since: str, *, now: datetime) -> bool:
    allowance = compute_allowance(messenger.spec.backup.schedule, now=now)
    if allowance is None or not since:
        return False
    return now - datetime.fromisoformat(since) > allowance


def _verdict(status: str, reason: str, message: str) -> Verdict:
    return Verdict(
        type="BackupHealthy",
        status="True" if status == "True" else "False" if status == "False" else "Unknown",
        reason=reason,
        message=message,
    )
