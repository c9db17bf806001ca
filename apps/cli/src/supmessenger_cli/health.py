"""A SupMessenger as its status tells it, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PartState = Literal["ready", "not ready", "waiting", "off", "unavailable", "asleep"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition, judged for the present generation."""

    type: str
    status: str
    reason: str
    message: str

    @property
    def is_true(self) -> bool:
        """Whether it holds."""
        return self.status == "True"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One component."""

    name: str
    mode: str
    state: PartState
    ready: int
    desired: int
    version: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """What the operator last said about an instance."""

    name: str
    namespace: str
    domain: str
    generation: int
    phase: str
    version: str
    schema_version: str
    message: str
    conditions: Mapping[str, Condition]
    parts: tuple[Part, ...]
    endpoints: Mapping[str, str]

    def is_true(self, kind: str) -> bool:
        """Whether a condition is there for the present generation and holds."""
        return kind in self.conditions and self.conditions[kind].is_true

    @property
    def is_ready(self) -> bool:
        """Whether it runs as asked for."""
        return self.is_true("Ready")

    @property
    def stalled(self) -> str:
        """What a person has to do; empty when nothing."""
        return self.conditions["Stalled"].message if self.is_true("Stalled") else ""


def parse_health(resource: Mapping[str, Any]) -> Health:
    """Read a SupMessenger; conditions of an older generation don't count."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    generation = metadata.get("generation", 1)
    conditions = {
        item["type"]: Condition(
            type=item["type"],
            status=item["status"],
            reason=item.get("reason", ""),
            message=item.get("message", ""),
        )
        for item in status.get("conditions") or ()
        if item.get("observedGeneration") == generation
    }
    return Health(
        name=metadata["name"],
        namespace=metadata["namespace"],
        domain=resource["spec"].get("domain", ""),
        generation=generation,
        phase=status.get("phase") or "Pending",
        version=status.get("version") or "",
        schema_version=status.get("schemaVersion") or "",
        message=(status.get("message") or "") if conditions else "the operator has not looked yet",
        conditions=conditions,
        parts=tuple(_parse_part(item, conditions) for item in status.get("components") or ()),
        endpoints={key: value for key, value in (status.get("endpoints") or {}).items() if value},
    )


def compute_condition_name(component: str) -> str:
    """Return the type of a component's condition, such as RedisCacheReady."""
    return "".join(word.capitalize() for word in component.split("-")) + "Ready"


def _parse_part(item: Mapping[str, Any], conditions: Mapping[str, Condition]) -> Part:
    condition = conditions.get(compute_condition_name(item["name"]))
    return Part(
        name=item["name"],
        mode=item["mode"],
        state=_compute_state(item["mode"], condition),
        ready=item.get("ready", 0),
        desired=item.get("desired", 0),
        version=item.get("version") or "",
        message=item.get("message") or "",
    )


def _compute_state(mode: str, condition: Condition | None) -> PartState:
    if mode in ("disabled", "unavailable"):
        return "off" if mode == "disabled" else "unavailable"
    if condition is None:
        return "waiting"
    if condition.is_true:
        return "ready"
    if condition.reason == "Hibernated":
        return "asleep"
    return "waiting" if condition.status == "Unknown" else "not ready"
