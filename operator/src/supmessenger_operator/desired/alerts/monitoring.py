"""Who watches the watcher: Prometheus itself."""

from supmessenger_operator.desired.alerts.alert import Alert
from supmessenger_operator.model import Messenger
from supmessenger_operator.model.scalars import parse_quantity

_FIELD = "spec.monitoring.prometheus"


def build_alerts(messenger: Messenger) -> tuple[Alert, ...]:
    """Return the alerts on the store of metrics."""
    size = messenger.effective.prometheus.storage
    return (
        Alert(
            name="PrometheusVolumeFilling",
            expr=(
                'max(prometheus_tsdb_storage_blocks_bytes{job="prometheus"}'
                ' + prometheus_tsdb_wal_storage_size_bytes{job="prometheus"})'
                f" > {0.85 * int(parse_quantity(size)):.0f}"
            ),
            duration="15m",
            severity="warning",
            summary="the volume of metrics is nearly full",
            description=(
                "Old metrics were dropped and still {{ $value | humanize1024 }}B of"
                f" {size} are taken. Raise {_FIELD}.embedded.storage.size; it grows while"
                " everything runs."
            ),
        ),
        Alert(
            name="PrometheusNotStoring",
            expr=(
                'sum(increase(prometheus_tsdb_wal_writes_failed_total{job="prometheus"}[5m])) > 0'
                ' or sum(increase(prometheus_tsdb_compactions_failed_total{job="prometheus"}[3h]))'
                " > 0"
            ),
            duration="0m",
            severity="critical",
            summary="Prometheus can not write to its volume",
            description=(
                "Metrics are lost, and alerts with them. Most often the volume is full: raise"
                f" {_FIELD}.embedded.storage.size; otherwise the log of its pod says why."
            ),
        ),
        Alert(
            name="PrometheusReloadFailed",
            expr='max(prometheus_config_last_reload_successful{job="prometheus"}) == 0',
            duration="5m",
            severity="warning",
            summary="Prometheus refuses its configuration",
            description=(
                "It goes on with the one before. Its log names the line; the operator writes that"
                " file, so report it."
            ),
        ),
        *(_REMOTE_WRITE if _has_remote_write(messenger) else ()),
    )


def _has_remote_write(messenger: Messenger) -> bool:
    monitoring = messenger.spec.monitoring
    return monitoring is not None and monitoring.prometheus.external is not None


_REMOTE_WRITE = (
    Alert(
        name="RemoteWriteFailing",
        expr=(
            "sum(rate(prometheus_remote_storage_samples_failed_total[5m])) > 0"
            " or sum(rate(prometheus_remote_storage_samples_retried_total[5m])) > 0"
            " unless sum(rate(prometheus_remote_storage_bytes_total[5m])) > 0"
        ),
        duration="5m",
        severity="warning",
        summary="the metrics store elsewhere takes nothing",
        description=(
            f"What it does not take is kept for a day and then lost. Check {_FIELD}.external: its"
            " url, and the username and password in the Secret of credentialsSecretRef; the log of"
            " Prometheus has the store's answer."
        ),
    ),
)
