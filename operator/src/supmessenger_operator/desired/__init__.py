"""What shall exist: every object of an instance, in the one order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

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
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Stalled

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


# What of an optional part can't be built is left out, and the rest goes on.
_OPTIONAL = {
    kafka.build_objects: kafka.COMPONENT,
    livekit.build_objects: livekit.COMPONENT,
    turn.build_objects: turn.COMPONENT,
    exporters.build_objects: exporters.COMPONENT,
    prometheus.build_objects: prometheus.COMPONENT,
    grafana.build_objects: grafana.COMPONENT,
    loki.build_objects: loki.COMPONENT,
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """All objects of an instance, ordered by wave, and what could not be built, by part."""

    objects: tuple[DesiredObject, ...]
    problems: Mapping[str, str]


def build_instance(messenger: Messenger, inputs: Inputs, *, without: Collection[str] = ()) -> Built:
    """Build everything but the optional parts in `without` and those that can't be built."""
    objects: list[DesiredObject] = []
    problems: dict[str, str] = {}
    for build in BUILDERS:
        part = _OPTIONAL.get(build, "")
        if part in without:
            continue
        try:
            objects += build(messenger, inputs)
        except Stalled as refused:
            if not part:
                raise
            problems[part] = refused.message
    return Built(objects=tuple(objects), problems=problems)


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return all objects of an instance, ordered by wave; what can't be built is raised."""
    return tuple(built for build in BUILDERS for built in build(messenger, inputs))
