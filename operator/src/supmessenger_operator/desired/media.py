"""The media service."""

from supmessenger_operator.desired.service import Service, build_service_objects
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.scalars import parse_quantity

COMPONENT = "media"
PORT = 3003


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the objects of the media service."""
    spec = messenger.spec
    service = Service(
        component=COMPONENT,
        wave=Wave.SERVICES,
        port=PORT,
        block=spec.media,
        amounts=messenger.effective.media,
        pool_size=messenger.effective.pool_sizes.media,
        bindings={
            "postgres": "postgres",
            "redis-cache": "redis-cache",
            "redis-state": "redis-state",
            "rabbitmq": "rabbitmq",
            "object-storage-media": "object-storage",
            "credentials": "credentials",
        },
        env={
            "SUP_CORS_ALLOWED_ORIGINS": ",".join(spec.security.cors.allowed_origins),
            "SUP_TRANSCODING_ENABLED": "true" if spec.media.transcoding.enabled else "false",
            "SUP_MAX_UPLOAD_SIZE": str(int(parse_quantity(spec.media.max_upload_size))),
        },
        # Pictures are decoded from files there.
        temporary_limit="2Gi",
    )
    return build_service_objects(messenger, inputs, service)
