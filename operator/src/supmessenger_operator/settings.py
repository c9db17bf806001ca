"""Settings of the operator's process, from the environment (prefix SUP_OPERATOR_)."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.features import Images
from supmessenger_operator.model.images import compute_images


class ImageCatalogue(BaseModel):
    """Default image of each component, and a registry that re-homes them all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    registry: str = ""
    components: dict[str, str]


class OperatorSettings(BaseSettings):
    """What the chart sets."""

    model_config = SettingsConfigDict(env_prefix="SUP_OPERATOR_", frozen=True, extra="forbid")

    images_file: Path = Path("/etc/sup-operator/images.json")
    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    namespace: str = "sup-system"
    pod_name: str = "sup-operator"
    agents_namespace: str = "sup-agents"
    lease_name: str = "sup-operator"
    leader_election: bool = True
    log_level: str = "info"
    http_host: str = "0.0.0.0"  # noqa: S104 - probes and metrics come from outside the pod
    http_port: int = 8080
    cluster_domain: str = "cluster.local"
    # Where checkers answer when it is not by their Services: {name} and {namespace} are filled in.
    checker_url: str = ""
    probe_seconds: float = 30.0

    @field_validator("watch_namespaces", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


def read_defaults(settings: OperatorSettings) -> OperatorDefaults:
    """Read the catalogue of images and put together what instances take from the operator."""
    catalogue = ImageCatalogue.model_validate(json.loads(settings.images_file.read_text()))
    return OperatorDefaults(
        version=version("supmessenger-operator"),
        images=compute_images(
            catalogue.components, Images(registry=catalogue.registry), version=""
        ),
        cluster_domain=settings.cluster_domain,
        operator_namespace=settings.namespace,
        # The chart names the Lease, and everything else, by its release.
        release=settings.lease_name,
        agents_namespace=settings.agents_namespace,
    )
