"""Is there a backup to go back to."""

from datetime import UTC, datetime

from supmessenger_operator.desired.alerts.alert import Alert, Rule
from supmessenger_operator.model import Messenger
from supmessenger_operator.model.backups import compute_allowance

# Nobody could be asked for it: the operator, who sees the schedule's status, writes it down.
NEWEST = "backup_newest_timestamp_seconds"
# Any moment will do: what counts is the distance between runs.
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def build_alerts(messenger: Messenger) -> tuple[Alert, ...]:
    """Return the alert on the age of the newest backup, where there shall be any."""
    backup = messenger.spec.backup
    allowance = compute_allowance(backup.schedule, now=_SOME_DAY)
    if not backup.enabled or backup.destination.s3 is not None or allowance is None:
        return ()
    return (
        Alert(
            name="BackupOverdue",
            expr=f"time() - max({NEWEST}) > {allowance.total_seconds():.0f}",
            duration="10m",
            severity="critical",
            summary="the newest backup is {{ $value | humanizeDuration }} old",
            description=(
                f"One is due at {backup.schedule} and two were missed. The condition BackupHealthy"
                " of the resource says why; make one now with the command that stands there."
            ),
        ),
    )


def build_records(newest: datetime | None) -> tuple[Rule, ...]:
    """Return the rule that gives the series its value; none before there is a schedule."""
    if newest is None:
        return ()
    return ({"record": NEWEST, "expr": f"vector({newest.timestamp():.0f})"},)
