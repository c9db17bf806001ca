"""The background worker, which also checks the instance."""

from supmessenger_operator.desired import (
    api,
    edge,
    grafana,
    kafka,
    livekit,
    loki,
    media,
    prometheus,
    pushes,
    transcoding,
    turn,
    websocket,
)
from supmessenger_operator.desired.service import Service, build_service_objects
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "worker"
PORT = 3004


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the objects of the worker."""
    spec = messenger.spec
    bindings = {
        "postgres": "postgres",
        "redis-cache": "redis-cache",
        "redis-state": "redis-state",
        "rabbitmq": "rabbitmq",
        "object-storage-worker": "object-storage",
        "credentials": "credentials",
    }
    if spec.smtp is not None:
        bindings["smtp"] = "smtp"
    if livekit.is_offered(messenger, inputs):
        bindings["livekit"] = "livekit"
    if turn.is_offered(messenger, inputs):
        bindings["turn"] = "turn"
    if kafka.is_provided(messenger, inputs):
        bindings["kafka"] = "kafka"
    bindings |= pushes.build_worker_bindings(inputs)
    service = Service(
        component=COMPONENT,
        wave=Wave.WORKER,
        port=PORT,
        block=spec.worker,
        amounts=messenger.effective.worker,
        pool_size=messenger.effective.pool_sizes.worker,
        bindings=bindings,
        env={
            "SUP_WORKER_CONCURRENCY": str(spec.worker.concurrency),
            **kafka.build_relay_env(messenger, inputs),
            **pushes.build_hosts_env(messenger),
            **transcoding.build_env(messenger),
            "SUP_CHECK_API_URL": f"http://{messenger.object_name(api.COMPONENT)}:{api.PORT}",
            "SUP_CHECK_WEBSOCKET_URL": (
                f"http://{messenger.object_name(websocket.COMPONENT)}:{websocket.PORT}"
            ),
            "SUP_CHECK_MEDIA_URL": f"http://{messenger.object_name(media.COMPONENT)}:{media.PORT}",
            "SUP_CHECK_EDGE_URL": edge.build_check_url(messenger),
            "SUP_CHECK_LIVEKIT_URL": livekit.build_check_url(messenger, inputs),
            "SUP_CHECK_TURN_ADDRESS": turn.build_check_address(messenger, inputs),
            "SUP_CHECK_PROMETHEUS_URL": prometheus.build_check_url(messenger, inputs),
            "SUP_CHECK_GRAFANA_URL": grafana.build_check_url(messenger, inputs),
            "SUP_CHECK_LOKI_URL": loki.build_check_url(messenger, inputs),
        },
        temporary_limit=transcoding.compute_temporary_limit(messenger),
    )
    return build_service_objects(messenger, inputs, service)
