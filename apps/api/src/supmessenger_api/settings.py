"""Settings of the API beyond what all services share."""

from typing import Literal

from supmessenger_common.settings import ServiceSettings, parse_comma_separated


class ApiSettings(ServiceSettings):
    """What the API reads from its environment."""

    port: int = 3000
    registration: Literal["open", "invite", "closed"] = "open"
    email_verification: bool = False
    cors_allowed_origins: str = ""
    rate_limits_enabled: bool = True
    expected_schema: str = ""

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins whose pages may call the API."""
        return parse_comma_separated(self.cors_allowed_origins)
