"""Which checks an instance has: one for each binding, one for each address it was given."""

from functools import partial
from typing import TYPE_CHECKING

from supmessenger_worker.checks.board import Check
from supmessenger_worker.checks.edge import probe_edge
from supmessenger_worker.checks.grafana import probe_grafana
from supmessenger_worker.checks.http import probe_readyz
from supmessenger_worker.checks.kafka import probe_kafka
from supmessenger_worker.checks.livekit import probe_livekit
from supmessenger_worker.checks.loki import LokiProbe
from supmessenger_worker.checks.object_storage import probe_object_storage
from supmessenger_worker.checks.postgres import probe_postgres
from supmessenger_worker.checks.prometheus import PrometheusProbe
from supmessenger_worker.checks.rabbitmq import probe_rabbitmq
from supmessenger_worker.checks.redis import probe_redis
from supmessenger_worker.checks.smtp import probe_smtp
from supmessenger_worker.checks.turn import probe_turn
from supmessenger_worker.connections import Bindings
from supmessenger_worker.settings import WorkerSettings

if TYPE_CHECKING:
    from supmessenger_worker.checks.model import CheckName


def build_checks(bindings: Bindings, settings: WorkerSettings) -> list[Check]:
    """Return the instance's checks."""
    schema = settings.expected_schema
    checks = [
        Check("postgres", partial(probe_postgres, bindings.postgres, expected_schema=schema)),
        Check("redis-cache", partial(probe_redis, bindings.redis_cache)),
        Check("redis-state", partial(probe_redis, bindings.redis_state)),
        Check("rabbitmq", partial(probe_rabbitmq, bindings.rabbitmq)),
        Check("object-storage", partial(probe_object_storage, bindings.object_storage)),
    ]
    urls: dict[CheckName, str] = {
        "api": settings.check_api_url,
        "websocket": settings.check_websocket_url,
        "media": settings.check_media_url,
    }
    checks += [Check(name, partial(probe_readyz, url)) for name, url in urls.items() if url]
    if settings.check_edge_url:
        probe = partial(probe_edge, settings.check_edge_url, domain=settings.domain)
        checks.append(Check("edge", probe))
    if bindings.smtp is not None:
        checks.append(Check("smtp", partial(probe_smtp, bindings.smtp)))
    if bindings.kafka is not None or settings.events_enabled:
        topic = settings.events_topic
        probe_events = partial(probe_kafka, bindings.kafka, bindings.postgres, topic=topic)
        checks.append(Check("kafka", probe_events))
    if settings.check_livekit_url:
        probe_calls = partial(probe_livekit, settings.check_livekit_url, bindings.livekit)
        checks.append(Check("livekit", probe_calls))
    if settings.check_turn_address:
        probe_relay = partial(probe_turn, settings.check_turn_address, bindings.turn)
        checks.append(Check("turn", probe_relay))
    if settings.check_prometheus_url:
        checks.append(Check("prometheus", PrometheusProbe(settings.check_prometheus_url)))
    if settings.check_grafana_url:
        checks.append(Check("grafana", partial(probe_grafana, settings.check_grafana_url)))
    if settings.check_loki_url:
        probe_loki = LokiProbe(settings.check_loki_url, instance=settings.instance)
        checks.append(Check("loki", probe_loki))
    return checks
