"""The socket service."""

import math

from supmessenger_operator.desired import kafka, pushes
from supmessenger_operator.desired.service import Service, build_service_objects
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.scalars import parse_duration

COMPONENT = "websocket"
PORT = 3001


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the objects of the socket service."""
    spec = messenger.spec
    service = Service(
        component=COMPONENT,
        wave=Wave.SERVICES,
        port=PORT,
        block=spec.websocket,
        amounts=messenger.effective.websocket,
        pool_size=messenger.effective.pool_sizes.websocket,
        bindings={
            "postgres": "postgres",
            "redis-cache": "redis-cache",
            "redis-state": "redis-state",
            "credentials": "credentials",
        },
        env={
            **pushes.build_sender_env(messenger),
            **kafka.build_events_env(messenger, inputs),
        },
        drain_seconds=math.ceil(parse_duration(spec.websocket.drain.duration)),
    )
    return build_service_objects(messenger, inputs, service)
