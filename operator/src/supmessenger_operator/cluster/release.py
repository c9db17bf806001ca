"""Released desired state: what drift repair applies, whatever a gate holds back.

Each component's objects are kept in a ControllerRevision; the highest revision is what is
released. A revision can't be changed once made, so moving the pointer makes a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supmessenger_operator.cluster.client import ClusterClient, Live
from supmessenger_operator.cluster.errors import AlreadyExists
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import (
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    compute_hash,
)
from supmessenger_operator.model.outcome import Waiting

# The one in force and the one before, as evidence of what changed.
KEPT_REVISIONS = 2


@dataclass(frozen=True, kw_only=True)
class Release:
    """The released objects of one component."""

    component: str
    revision: int
    hash: str
    objects: tuple[Mapping[str, Any], ...]


class Releases:
    """The release pointers of one instance during one pass."""

    def __init__(self, client: ClusterClient, stored: list[Live]) -> None:
        self._client = client
        self._stored = sorted(stored, key=lambda live: int(live["revision"]))

    @property
    def current(self) -> dict[str, Release]:
        """What is released, by component."""
        return {
            _component_of(live): Release(
                component=_component_of(live),
                revision=int(live["revision"]),
                hash=live["data"]["hash"],
                objects=tuple(live["data"]["objects"]),
            )
            for live in self._stored
        }

    async def move(
        self, messenger: Messenger, component: str, bodies: Sequence[Mapping[str, Any]]
    ) -> None:
        """Release these objects as the component's desired state."""
        previous = self.current.get(component)
        revision = previous.revision + 1 if previous is not None else 1
        body = _build_revision(messenger, component, bodies, revision=revision)
        try:
            self._stored.append(await self._client.create(body))
        except AlreadyExists as error:
            # A pass that was cut off has made it, and this pass read before that.
            raise Waiting("the release was moved in between; looking again") from error

    async def forget(self, *, keep: frozenset[str]) -> None:
        """Delete revisions of components that are gone, and those too old to tell anything."""
        by_component: dict[str, list[Live]] = {}
        for live in self._stored:
            by_component.setdefault(_component_of(live), []).append(live)
        for component, revisions in by_component.items():
            old = revisions[:-KEPT_REVISIONS] if component in keep else revisions
            for live in old:
                metadata = live["metadata"]
                await self._client.delete(
                    "ControllerRevision",
                    metadata["namespace"],
                    metadata["name"],
                    uid=metadata["uid"],
                )
                self._stored.remove(live)


async def read_releases(
    client: ClusterClient, namespace: str, name: str, *, owner_uid: str
) -> Releases:
    """Read the release pointers of an instance; those of a former namesake don't count."""
    selector = f"{INSTANCE_LABEL}={name},{MANAGED_BY_LABEL}={MANAGED_BY}"
    stored = await client.list("ControllerRevision", namespace, selector=selector)
    ours = [
        live
        for live in stored
        if any(ref["uid"] == owner_uid for ref in live["metadata"].get("ownerReferences") or ())
    ]
    return Releases(client, ours)


def compute_release_hash(bodies: Sequence[Mapping[str, Any]]) -> str:
    """Return the hash that tells whether a component's desired state differs."""
    return compute_hash([dict(body) for body in bodies])


def _component_of(live: Live) -> str:
    return str(live["metadata"]["labels"][COMPONENT_LABEL])


def _build_revision(
    messenger: Messenger,
    component: str,
    bodies: Sequence[Mapping[str, Any]],
    *,
    revision: int,
) -> dict[str, Any]:
    digest = compute_release_hash(bodies)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            # The uid keeps a new resource apart from a former one of the same name.
            "name": f"{messenger.object_name(component)}-{messenger.metadata.uid[:8]}-{revision}",
            "namespace": messenger.namespace,
            "labels": {
                "app.kubernetes.io/name": "sup-messenger",
                INSTANCE_LABEL: messenger.name,
                COMPONENT_LABEL: component,
                "app.kubernetes.io/part-of": "sup-messenger",
                MANAGED_BY_LABEL: MANAGED_BY,
            },
            "ownerReferences": [messenger.owner_reference()],
        },
        "revision": revision,
        "data": {"hash": digest, "objects": [dict(body) for body in bodies]},
    }
