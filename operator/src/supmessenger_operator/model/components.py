"""The parts of an instance that are on, how each is provided and which workload runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from supmessenger_operator.model.spec import Spec
from supmessenger_operator.model.status import ComponentMode


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part that can be ready or not."""

    name: str
    mode: ComponentMode
    workload: str = ""  # kind of its workload; empty when it runs elsewhere

    @property
    def condition(self) -> str:
        """Type of its condition, such as RedisCacheReady."""
        return "".join(word.capitalize() for word in self.name.split("-")) + "Ready"


@dataclass(frozen=True, kw_only=True)
class OptionalPart:
    """A part that can be switched off, and the image without which it can't be had."""

    name: str
    image: str
    workload: str
    is_on: Callable[[Spec], bool]
    is_external: Callable[[Spec], bool] = lambda _: False


# In the one order; each needs a builder in desired/ and, when deep, a check of the worker.
OPTIONAL_PARTS: tuple[OptionalPart, ...] = (
    OptionalPart(
        name="kafka",
        image="kafka",
        workload="StatefulSet",
        is_on=lambda spec: spec.sends_events,
        is_external=lambda spec: spec.has_external_kafka,
    ),
    OptionalPart(
        name="livekit",
        image="livekit",
        workload="Deployment",
        is_on=lambda spec: spec.has_livekit,
        is_external=lambda spec: spec.livekit is not None and spec.livekit.external is not None,
    ),
    OptionalPart(
        name="turn",
        image="coturn",
        workload="Deployment",
        is_on=lambda spec: spec.has_turn,
        is_external=lambda spec: spec.turn is not None and spec.turn.external is not None,
    ),
    OptionalPart(
        name="prometheus",
        image="prometheus",
        workload="StatefulSet",
        is_on=lambda spec: spec.has_prometheus,
    ),
    OptionalPart(
        name="exporters",
        image="postgres-exporter",
        workload="Deployment",
        is_on=lambda spec: spec.has_prometheus,
    ),
    OptionalPart(
        name="grafana",
        image="grafana",
        workload="Deployment",
        is_on=lambda spec: spec.has_grafana,
    ),
    OptionalPart(
        name="loki", image="loki", workload="StatefulSet", is_on=lambda spec: spec.has_loki
    ),
)


# What calls are reached by is released first of all, and is no more needed than they are.
_OPTIONAL_NAMES = frozenset({"calls", *(part.name for part in OPTIONAL_PARTS)})


def compute_components(
    spec: Spec, *, lacking: frozenset[str] = frozenset()
) -> tuple[Component, ...]:
    """Return the parts in the one order; `lacking` names images that can't be had here."""
    return (
        _data("postgres", is_embedded=spec.postgres.embedded is not None),
        _data("redis-cache", is_embedded=spec.redis.embedded is not None),
        _data("redis-state", is_embedded=spec.redis.embedded is not None),
        _data("rabbitmq", is_embedded=spec.rabbitmq.embedded is not None),
        _data("object-storage", is_embedded=spec.object_storage.embedded is not None),
        *(
            Component(name=name, mode="embedded", workload="Deployment")
            for name in ("worker", "api", "websocket", "media", "edge")
        ),
        *(
            Component(name=part.name, mode="external")
            if part.is_external(spec)
            else Component(name=part.name, mode="embedded", workload=part.workload)
            for part in OPTIONAL_PARTS
            if part.is_on(spec) and (part.is_external(spec) or part.image not in lacking)
        ),
    )


def _data(name: str, *, is_embedded: bool) -> Component:
    if is_embedded:
        return Component(name=name, mode="embedded", workload="StatefulSet")
    return Component(name=name, mode="external")


def find_storage_field(component: str) -> str:
    """Return where in the resource the size of a component's volume is chosen."""
    if component == "backup":
        return "spec.backup.destination.volume.size"
    if component == "loki":
        return "spec.monitoring.logs.storage.size"
    return f"{find_field(component)}.embedded.storage.size"


def is_optional(component: str) -> bool:
    """Whether messaging goes on without what a component's release holds."""
    return component in _OPTIONAL_NAMES


def find_field(component: str) -> str:
    """Return where in the resource a component's objects are shaped."""
    fields = {
        "redis-cache": "redis",
        "redis-state": "redis",
        "object-storage": "objectStorage",
        "prometheus": "monitoring.prometheus",
        "exporters": "monitoring",
        "calls": "livekit",
        "signalling": "livekit",
        "grafana": "monitoring.grafana",
        "loki": "monitoring.logs",
    }
    if component in ("foundation", "policies"):
        return "spec"
    return f"spec.{fields.get(component, component)}"
