"""Everything Kopf is asked to do: watch, and say which instance may differ."""

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from supmessenger_operator.cluster.kinds import CHILD_KINDS, KINDS
from supmessenger_operator.model.messenger import GROUP, VERSION
from supmessenger_operator.model.observed import (
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
)
from supmessenger_operator.model.outcome import Key

SELECTOR = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
# Secrets only by our own label: a cluster's others are none of our business, nor of our memory.
WATCHED_KINDS = (*CHILD_KINDS, "Secret")


class Instances:
    """The instances there are, and how each looked when a pass was last asked for."""

    def __init__(self, enqueue: Callable[[Key], None], forget: Callable[[Key], None]) -> None:
        self._enqueue = enqueue
        self._forget = forget
        self._seen: dict[Key, Mapping[str, Any]] = {}

    def __iter__(self) -> Any:
        return iter(tuple(self._seen))

    def see(self, kind: str | None, body: Mapping[str, Any]) -> None:
        """Take note of an event of a SupMessenger; our own status writes ask for nothing."""
        metadata = body["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if kind == "DELETED":
            self._seen.pop(key, None)
            self._forget(key)
            self._enqueue(key)
            return
        look = {
            name: metadata.get(name)
            for name in ("uid", "generation", "annotations", "labels", "deletionTimestamp")
        }
        if self._seen.get(key) != look:
            self._seen[key] = look
            self._enqueue(key)

    def see_child(self, body: Mapping[str, Any]) -> None:
        """Take note of an event of an object that belongs to an instance."""
        metadata = body["metadata"]
        name = (metadata.get("labels") or {}).get(INSTANCE_LABEL)
        key = (metadata["namespace"], name)
        if name and key in self._seen:
            self._enqueue((metadata["namespace"], name))


def build_registry(instances: Instances) -> kopf.OperatorRegistry:
    """Return Kopf's handlers: events only, so that nothing is ever written to a resource."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_log_in)

    async def messenger_changed(event: Mapping[str, Any], **_: Any) -> None:
        instances.see(event["type"], event["object"])

    async def child_changed(event: Mapping[str, Any], **_: Any) -> None:
        instances.see_child(event["object"])

    kopf.on.event(GROUP, VERSION, KINDS["SupMessenger"].plural, registry=registry)(
        messenger_changed
    )
    for kind in WATCHED_KINDS:
        served = KINDS[kind]
        group, _, version = served.api_version.rpartition("/")
        kopf.on.event(
            group,
            version,
            served.plural,
            id=f"child-{served.plural}",
            registry=registry,
            labels={MANAGED_BY_LABEL: MANAGED_BY, COMPONENT_LABEL: kopf.PRESENT},
        )(child_changed)
    return registry


def build_settings() -> kopf.OperatorSettings:
    """Return Kopf's settings: watch with our labels, write nothing, take part in nothing."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    # Namespaces and definitions are known: watching them would need a wider role.
    settings.scanning.disabled = True
    # A belt beside Kopf's own inactivity timeout: no watch lives longer than this.
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    for kind in WATCHED_KINDS:
        group, _, version = KINDS[kind].api_version.rpartition("/")
        settings.watching.label_selectors[group, version, KINDS[kind].plural] = SELECTOR
    return settings


async def _log_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
