"""Settings of the API beyond what all services share."""

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from supmessenger_common.push.hosts import KNOWN_HOSTS, HostRule, parse_host_rules
from supmessenger_common.settings import ServiceSettings, parse_comma_separated


class ApiSettings(ServiceSettings):
    """What the API reads from its environment."""

    port: int = 3000
    registration: Literal["open", "invite", "closed"] = "open"
    email_verification: bool = False
    cors_allowed_origins: str = ""
    rate_limits_enabled: bool = True
    push_enabled: bool = False
    events_enabled: bool = False
    fcm_enabled: bool = False
    web_push_allowed_hosts: str = ",".join(KNOWN_HOSTS)
    # What clients are told of the relay; the operator follows its public address.
    turn_uris: str = ""
    # Empty: the newest migration the image carries, if it carries any.
    expected_schema: str = ""
    migrations_dir: Path = Path("/app/migrations")

    @field_validator("web_push_allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: str) -> str:
        parse_host_rules(parse_comma_separated(value))
        return value

    @property
    def web_push_hosts(self) -> tuple[HostRule, ...]:
        """Push services that a subscription may name."""
        return parse_host_rules(parse_comma_separated(self.web_push_allowed_hosts))

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins whose pages may call the API."""
        return parse_comma_separated(self.cors_allowed_origins)

    @property
    def relay_uris(self) -> tuple[str, ...]:
        """TURN URIs for clients."""
        return parse_comma_separated(self.turn_uris)
