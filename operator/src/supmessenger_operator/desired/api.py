"""The REST service."""

from supmessenger_operator.desired import kafka, livekit, pushes, turn
from supmessenger_operator.desired.service import Service, build_service_objects
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "api"
PORT = 3000


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return the objects of the api."""
    spec = messenger.spec
    service = Service(
        component=COMPONENT,
        wave=Wave.SERVICES,
        port=PORT,
        block=spec.api,
        amounts=messenger.effective.api,
        pool_size=messenger.effective.pool_sizes.api,
        bindings={
            "postgres": "postgres",
            "redis-cache": "redis-cache",
            "redis-state": "redis-state",
            "credentials": "credentials",
            **({"livekit": "livekit"} if livekit.is_offered(messenger, inputs) else {}),
            **({"turn": "turn"} if turn.is_offered(messenger, inputs) else {}),
            **pushes.build_api_bindings(inputs),
        },
        env={
            "SUP_REGISTRATION": spec.accounts.registration,
            # Without a mail server nobody could ever verify an address.
            "SUP_EMAIL_VERIFICATION": "true" if spec.smtp is not None else "false",
            "SUP_CORS_ALLOWED_ORIGINS": ",".join(spec.security.cors.allowed_origins),
            "SUP_TURN_URIS": ",".join(turn.list_uris(messenger, inputs)),
            **kafka.build_events_env(messenger, inputs),
            **pushes.build_api_env(messenger, inputs),
            "SUP_RATE_LIMITS_ENABLED": "true" if spec.security.rate_limits.enabled else "false",
        },
    )
    return build_service_objects(messenger, inputs, service)
