"""Settings of the API beyond what all services share."""

from pathlib import Path
from typing import Literal

from supmessenger_common.settings import ServiceSettings, parse_comma_separated


class ApiSettings(ServiceSettings):
    """What the API reads from its environment."""

    port: int = 3000
    registration: Literal["open", "invite", "closed"] = "open"
    email_verification: bool = False
    cors_allowed_origins: str = ""
    rate_limits_enabled: bool = True
    # Empty: the newest migration the image carries, if it carries any.
    expected_schema: str = ""
    migrations_dir: Path = Path("/app/migrations")

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins whose pages may call the API."""
        return parse_comma_separated(self.cors_allowed_origins)
