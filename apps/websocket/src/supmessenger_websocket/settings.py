"""Settings of the socket service."""

from pydantic import Field

from supmessenger_common.settings import ServiceSettings


class WebSocketSettings(ServiceSettings):
    """What the socket service reads from its environment."""

    port: int = Field(default=3001, ge=0, le=65535)
    # Long enough to close thousands of sockets one slice after the other.
    drain_seconds: float = Field(default=60, ge=0)
    push_enabled: bool = False
    events_enabled: bool = False
