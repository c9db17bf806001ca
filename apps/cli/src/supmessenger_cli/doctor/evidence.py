"""What the doctor has seen; None where it was not allowed or could not be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from supmessenger_cli.doctor.kubelet import Usage
from supmessenger_cli.doctor.strength import Strength
from supmessenger_cli.health import Health
from supmessenger_cli.scope import COMPONENT_LABEL

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Connections:
    """How many of PostgreSQL's connections are in use."""

    used: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What the edge shows to clients, and where it was seen."""

    ends: datetime
    names: tuple[str, ...]
    fault: str = ""
    is_served: bool = False


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that judging may look at."""

    now: datetime
    name: str
    flags: str  # -n NAMESPACE, as a person adds it
    resource: Object
    health: Health
    objects: Sequence[Object] = ()
    secrets: Mapping[tuple[str, str], Strength] | None = None  # by Secret's suffix and key
    certificate: Certificate | None = None
    checks: Mapping[str, Object] | None = None
    volumes: Mapping[str, Usage] = field(default_factory=dict)
    disks: Mapping[str, Usage] = field(default_factory=dict)
    memory: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sees_kubelets: bool = False
    log_rotation: Mapping[str, Any] | None = None  # of the kubelet: containerLogMaxSize, …
    open_doors: Mapping[str, str | None] = field(default_factory=dict)  # answers without password
    connections: Connections | None = None

    @property
    def spec(self) -> Object:
        """What was asked for."""
        spec: Object = self.resource["spec"]
        return spec

    def find_all(self, kind: str, *, component: str = "") -> list[Object]:
        """Return the objects of a kind, and of a component when it is named."""
        return [
            item
            for item in self.objects
            if item["kind"] == kind and (not component or read_component(item) == component)
        ]

    def has_part(self, name: str) -> bool:
        """Whether a part runs or should."""
        return any(
            part.name == name and part.mode not in ("disabled", "unavailable")
            for part in self.health.parts
        )

    def find_part_message(self, name: str) -> str:
        """Return what the status says of a part that does not run."""
        return next((part.message for part in self.health.parts if part.name == name), "")


def read_component(item: Object) -> str:
    """Return the component an object belongs to, or nothing."""
    return str((item["metadata"].get("labels") or {}).get(COMPONENT_LABEL, ""))
