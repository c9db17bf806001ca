"""What shall exist: every object of an instance, in the one order."""

from supmessenger_operator.desired import (
    api,
    backup,
    calls,
    edge,
    exporters,
    foundation,
    grafana,
    kafka,
    livekit,
    loki,
    media,
    migrations,
    object_storage,
    policies,
    postgres,
    prometheus,
    rabbitmq,
    redis,
    turn,
    websocket,
    worker,
)
from supmessenger_operator.model import DesiredObject, Inputs, Messenger

# The one order: configuration, data, migrations, worker, services, edge, backup's schedule.
BUILDERS = (
    foundation.build_objects,
    policies.build_objects,
    calls.build_objects,
    postgres.build_objects,
    redis.build_objects,
    rabbitmq.build_objects,
    object_storage.build_objects,
    migrations.build_objects,
    worker.build_objects,
    api.build_objects,
    websocket.build_objects,
    media.build_objects,
    edge.build_objects,
    backup.build_objects,
    kafka.build_objects,
    livekit.build_objects,
    turn.build_objects,
    exporters.build_objects,
    prometheus.build_objects,
    grafana.build_objects,
    loki.build_objects,
)


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return all objects of an instance, ordered by wave."""
    return tuple(built for build in BUILDERS for built in build(messenger, inputs))
