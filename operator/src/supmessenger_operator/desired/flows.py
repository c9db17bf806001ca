"""Who talks to whom inside an instance: one row for each flow that the architecture needs."""

from dataclasses import dataclass

from supmessenger_operator.desired import (
    api,
    backup,
    edge,
    exporters,
    grafana,
    kafka,
    livekit,
    loki,
    media,
    migrations,
    object_storage,
    postgres,
    prometheus,
    rabbitmq,
    redis,
    turn,
    websocket,
    worker,
)
from supmessenger_operator.desired.service import METRICS_PORT

DATABASE_USERS = (
    api.COMPONENT,
    websocket.COMPONENT,
    media.COMPONENT,
    worker.COMPONENT,
    migrations.COMPONENT,
    backup.COMPONENT,
    exporters.COMPONENT,
)
REDIS_USERS = (
    api.COMPONENT,
    websocket.COMPONENT,
    media.COMPONENT,
    worker.COMPONENT,
    exporters.COMPONENT,
)
BROKER_USERS = (media.COMPONENT, worker.COMPONENT)
OBJECT_USERS = (
    media.COMPONENT,
    worker.COMPONENT,
    backup.COMPONENT,
    object_storage.SETUP,
)
_CALLERS = (edge.COMPONENT, worker.COMPONENT)


@dataclass(frozen=True)
class Flow:
    """Who may open connections to which port of a component."""

    target: str
    port: int
    sources: tuple[str, ...]
    protocol: str = "TCP"


# Who shows metrics, and where.
_METRICS = (
    (worker.COMPONENT, METRICS_PORT),
    (api.COMPONENT, METRICS_PORT),
    (websocket.COMPONENT, METRICS_PORT),
    (media.COMPONENT, METRICS_PORT),
    (edge.COMPONENT, edge.METRICS_PORT),
    (rabbitmq.COMPONENT, rabbitmq.METRICS_PORT),
    (exporters.COMPONENT, exporters.POSTGRES_PORT),
    (exporters.COMPONENT, exporters.REDIS_PORT),
    (object_storage.COMPONENT, object_storage.S3_PORT),
    (livekit.COMPONENT, livekit.METRICS_PORT),
    (turn.COMPONENT, turn.METRICS_PORT),
)

FLOWS = (
    Flow(postgres.COMPONENT, postgres.PORT, DATABASE_USERS),
    Flow(redis.CACHE, redis.PORT, REDIS_USERS),
    Flow(redis.STATE, redis.PORT, REDIS_USERS),
    Flow(rabbitmq.COMPONENT, rabbitmq.AMQP_PORT, BROKER_USERS),
    Flow(object_storage.COMPONENT, object_storage.S3_PORT, OBJECT_USERS),
    Flow(api.COMPONENT, api.PORT, _CALLERS),
    Flow(websocket.COMPONENT, websocket.PORT, _CALLERS),
    Flow(media.COMPONENT, media.PORT, _CALLERS),
    Flow(edge.COMPONENT, edge.HTTP_PORT, (worker.COMPONENT,)),
    Flow(edge.COMPONENT, edge.HTTPS_PORT, (worker.COMPONENT,)),
    Flow(
        prometheus.COMPONENT,
        prometheus.PORT,
        (worker.COMPONENT, grafana.COMPONENT, prometheus.COMPONENT),
    ),
    Flow(livekit.COMPONENT, livekit.PORT, (edge.COMPONENT, api.COMPONENT, worker.COMPONENT)),
    Flow(redis.STATE, redis.PORT, (livekit.COMPONENT,)),
    Flow(api.COMPONENT, api.PORT, (livekit.COMPONENT,)),
    Flow(livekit.COMPONENT, livekit.RTC_UDP_PORT, (turn.COMPONENT,), "UDP"),
    Flow(turn.COMPONENT, turn.PORT, (worker.COMPONENT,), "UDP"),
    *(Flow(target, port, (prometheus.COMPONENT,)) for target, port in _METRICS),
    Flow(grafana.COMPONENT, grafana.PORT, (worker.COMPONENT, prometheus.COMPONENT)),
    Flow(kafka.COMPONENT, kafka.PORT, (worker.COMPONENT,)),
    Flow(loki.COMPONENT, loki.PORT, (worker.COMPONENT, "grafana", "prometheus")),
)
COMPONENTS = tuple(
    dict.fromkeys((*(flow.target for flow in FLOWS), *DATABASE_USERS, *OBJECT_USERS))
)
