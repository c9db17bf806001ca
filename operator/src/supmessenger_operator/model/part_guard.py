"""What can't work in optional parts, by part; each problem names the field and the cure."""

from collections.abc import Iterator

from supmessenger_operator.model.effective import (
    Effective,
    EffectiveWorkload,
    compute_effective,
)
from supmessenger_operator.model.guard import check_amounts, check_pod_template
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.scalars import parse_duration, parse_quantity
from supmessenger_operator.model.spec import Spec
from supmessenger_operator.model.workload import PodBlock

_MIB = 2**20
_DAY = 86400
# What Prometheus, Loki and the worker can be told at most, by far.
_LONGEST = 3650 * _DAY
_LEAST_METRICS_VOLUME = 512 * _MIB
_LARGEST_SOURCE = 2**40
_LONGEST_SOURCE = 10 * _DAY
_METRICS_OFF = "or switch Prometheus off with spec.monitoring.enabled: false"
_VIDEOS_OFF = "or convert none with spec.media.transcoding.enabled: false"


def find_impossible(spec: Spec) -> dict[str, str]:
    """Return what can't work, by optional part: the first thing of each."""
    problems: dict[str, str] = {}
    effective = compute_effective(spec)
    for part, field, message in (
        *_check_logs(spec),
        *_check_metrics(spec, effective),
        *_check_transcoding(spec),
    ):
        problems.setdefault(part, f"{field}: {message}")
    for part, field, block, amounts in _list_workloads(spec, effective):
        try:
            check_amounts(f"{field}.resources", amounts)
            if block is not None:
                check_pod_template(f"{field}.podTemplate", block.pod_template)
        except Stalled as refused:
            problems.setdefault(part, refused.message)
    return problems


def _check_logs(spec: Spec) -> Iterator[tuple[str, str, str]]:
    """Loki deletes by the day: less is not kept to, and zero would mean for ever."""
    if spec.monitoring is None or not spec.has_loki:
        return
    given = spec.monitoring.logs.retention
    if not _DAY <= parse_duration(given) <= _LONGEST:
        message = (
            f"{given} is not possible: logs are deleted by the day; use 24h to 3650d, or switch"
            " them off with spec.monitoring.logs.enabled: false"
        )
        yield "loki", "spec.monitoring.logs.retention", message


def _check_metrics(spec: Spec, effective: Effective) -> Iterator[tuple[str, str, str]]:
    if not spec.has_prometheus:
        return
    field, size = "spec.monitoring.prometheus.embedded", effective.prometheus.storage
    if parse_quantity(size) < _LEAST_METRICS_VOLUME:
        message = f"{size} is too small a volume for metrics; use at least 512Mi, {_METRICS_OFF}"
        yield "prometheus", f"{field}.storage.size", message
    embedded = spec.monitoring.prometheus.embedded if spec.monitoring is not None else None
    if embedded is not None and not 3600 <= parse_duration(embedded.retention) <= _LONGEST:
        message = f"{embedded.retention} is not possible; use 1h to 3650d, {_METRICS_OFF}"
        yield "prometheus", f"{field}.retention", message


def _check_transcoding(spec: Spec) -> Iterator[tuple[str, str, str]]:
    wanted, field = spec.media.transcoding, "spec.media.transcoding"
    if not _MIB <= parse_quantity(wanted.max_source_size) <= _LARGEST_SOURCE:
        message = f"{wanted.max_source_size} is not possible; use 1Mi to 1Ti, {_VIDEOS_OFF}"
        yield "transcoding", f"{field}.maxSourceSize", message
    if not 1 <= parse_duration(wanted.max_duration) <= _LONGEST_SOURCE:
        message = f"{wanted.max_duration} is not possible; use 1s to 10d, {_VIDEOS_OFF}"
        yield "transcoding", f"{field}.maxDuration", message


def _list_workloads(
    spec: Spec, effective: Effective
) -> Iterator[tuple[str, str, PodBlock | None, EffectiveWorkload]]:
    """Return part, field, block and amounts of what runs here."""
    if spec.sends_events and not spec.has_external_kafka:
        embedded = spec.kafka.embedded if spec.kafka is not None else None
        yield "kafka", "spec.kafka.embedded", embedded, effective.kafka
    if spec.has_loki:
        logs = spec.monitoring.logs if spec.monitoring is not None else None
        yield "loki", "spec.monitoring.logs", logs, effective.loki
    if spec.has_prometheus:
        store = spec.monitoring.prometheus.embedded if spec.monitoring is not None else None
        yield "prometheus", "spec.monitoring.prometheus.embedded", store, effective.prometheus
    if "livekit" in spec.media_exposures:
        server = spec.livekit.embedded if spec.livekit is not None else None
        yield "livekit", "spec.livekit.embedded", server, effective.livekit
    if "turn" in spec.media_exposures:
        yield "turn", "spec.turn", spec.turn, effective.turn
