"""Settings every service reads from its environment, once, at start."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["debug", "info", "warning", "error"]


class ServiceSettings(BaseSettings):
    """What all services share; a service subclasses it with its own port and extra names."""

    model_config = SettingsConfigDict(env_prefix="SUP_", frozen=True, extra="forbid")

    service_binding_root: Path = Field(
        default=Path("/bindings"), validation_alias="SERVICE_BINDING_ROOT"
    )
    instance: str = Field(default="sup", min_length=1)
    domain: str = Field(min_length=1)
    public_url: str = ""
    host: str = "0.0.0.0"  # noqa: S104  pods listen on all of their own addresses
    port: int = Field(default=3000, ge=0, le=65535)
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    log_level: LogLevel = "info"
    postgres_pool_size: int = Field(default=5, ge=1)
    drain_seconds: float = Field(default=20, ge=0)

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower_level(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def base_url(self) -> str:
        """Base of links in emails, without a slash at the end."""
        return (self.public_url or f"https://{self.domain}").rstrip("/")


def parse_comma_separated(value: str) -> tuple[str, ...]:
    """Split `a, b` into its non-empty parts."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def list_environment_names(settings: type[ServiceSettings]) -> frozenset[str]:
    """Return the environment names a settings class reads."""
    names = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        names.add(alias if isinstance(alias, str) else f"SUP_{name.upper()}")
    return frozenset(names)
