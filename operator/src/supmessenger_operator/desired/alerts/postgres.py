"""The database: does it answer, has it room."""

from supmessenger_operator.desired.alerts.alert import Alert
from supmessenger_operator.model import Messenger
from supmessenger_operator.model.scalars import parse_quantity


def build_alerts(messenger: Messenger) -> tuple[Alert, ...]:
    """Return the alerts on PostgreSQL, however it is provided."""
    return (*_ALERTS, *_build_volume_alerts(messenger))


_ALERTS = (
    Alert(
        name="PostgresDown",
        expr="max(pg_up) == 0",
        duration="1m",
        severity="critical",
        summary="PostgreSQL does not answer",
        description=(
            "The exporter has not got into the database for a minute; nothing works without it."
            " See the condition PostgresReady, `kubectl describe pod` and the log of its pod."
        ),
    ),
    Alert(
        name="PostgresConnectionsNearLimit",
        expr="sum(pg_stat_activity_count) / max(pg_settings_max_connections) > 0.85",
        duration="5m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of PostgreSQL's connections are taken",
        description=(
            "Beyond the limit services are refused. Raise"
            " spec.postgres.embedded.parameters.max_connections (the pools of the services follow),"
            " or end what holds connections beside them: the dashboard Database Metrics shows who."
        ),
    ),
    Alert(
        name="PostgresTransactionOpen",
        # A backup reads in one transaction for as long as it takes.
        expr='max(pg_stat_activity_max_tx_duration{state!="active"}) > 3600',
        duration="5m",
        severity="warning",
        summary="a transaction has been open for {{ $value | humanizeDuration }}",
        description=(
            "It keeps the database from cleaning up, so tables grow. Find it in pg_stat_activity"
            " (state `idle in transaction`) and end it with pg_terminate_backend."
        ),
    ),
    Alert(
        name="PostgresDeadlocks",
        expr="sum(increase(pg_stat_database_deadlocks[15m])) > 5",
        duration="0m",
        severity="warning",
        summary="transactions block each other",
        description=(
            "{{ $value }} deadlocks within a quarter of an hour; each ended somebody's call. The"
            " log of the database shows both statements: report them."
        ),
    ),
)


def _build_volume_alerts(messenger: Messenger) -> tuple[Alert, ...]:
    if messenger.spec.postgres.embedded is None:
        return ()
    volume = int(parse_quantity(messenger.effective.postgres.storage))
    used = "sum(pg_database_size_bytes)"
    return (
        Alert(
            name="PostgresVolumeFilling",
            # The rest is the log ahead of the data and what queries sort on disk.
            expr=(
                f"{used} > {0.8 * volume:.0f}"
                f" or (predict_linear({used}[6h:5m], 4 * 86400) > {0.9 * volume:.0f}"
                f" and {used} > {0.4 * volume:.0f})"
            ),
            duration="30m",
            severity="critical",
            summary="the database's volume will be full within days",
            description=(
                "The databases hold {{ $value | humanize1024 }}B of a volume of"
                f" {messenger.effective.postgres.storage}, and a full one ends the database. Raise"
                " spec.postgres.embedded.storage.size; it grows while everything runs."
            ),
        ),
    )
