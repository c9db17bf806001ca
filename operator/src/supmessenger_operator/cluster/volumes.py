"""Growing the volumes of a StatefulSet, which Kubernetes does not do by itself.

The claims grow first; then the StatefulSet, whose claim templates can't be changed, makes room
for one with the new size while its pods go on running.
"""

import asyncio
import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from supmessenger_operator.cluster.client import Body, ClusterClient
from supmessenger_operator.model.components import find_storage_field
from supmessenger_operator.model.observed import COMPONENT_LABEL
from supmessenger_operator.model.outcome import Stalled, Waiting
from supmessenger_operator.model.scalars import parse_quantity

GONE_TRIES = 100
GONE_TRY_SECONDS = 0.2


async def gather_judged(client: ClusterClient, bodies: Iterable[Body]) -> list[Body]:
    """Return the bodies as the API server can judge them: growth of volumes left out.

    It refuses every change of a StatefulSet's claim templates; what else is wrong has to show
    before a StatefulSet makes room. A volume that would shrink is refused here.
    """
    judged: list[Body] = []
    for body in bodies:
        if body["kind"] not in ("StatefulSet", "PersistentVolumeClaim"):
            judged.append(body)
            continue
        metadata = body["metadata"]
        live = await client.get(body["kind"], metadata["namespace"], metadata["name"])
        if live is not None:
            _refuse_shrinking(live, body)
        judged.append(_build_at_current_size(live, body) if live is not None else body)
    return judged


async def grow_volumes(client: ClusterClient, bodies: Iterable[Body]) -> None:
    """Prepare StatefulSets whose volumes shall be larger than they are."""
    for body in bodies:
        if body["kind"] != "StatefulSet":
            continue
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        live = await client.get("StatefulSet", namespace, name)
        if live is None:
            continue
        grown = list(_find_grown(live, body))
        for claim, size in grown:
            await _grow_claim(client, namespace, claim, size, field=_field(body))
        if grown:
            uid = live["metadata"]["uid"]
            await client.delete("StatefulSet", namespace, name, uid=uid, orphan=True)
            await _wait_until_gone(client, namespace, name, uid=uid)


def _find_grown(live: Body, body: Body) -> Iterator[tuple[str, str]]:
    """Yield the claims that have to grow, with their new size."""
    current = {_name(template): _size(template) for template in _templates(live)}
    for template in _templates(body):
        before, wanted = current.get(_name(template)), _size(template)
        if before is None or parse_quantity(wanted) <= parse_quantity(before):
            continue
        for ordinal in range(live["spec"].get("replicas", 1)):
            yield f"{_name(template)}-{body['metadata']['name']}-{ordinal}", wanted


def _refuse_shrinking(live: Body, body: Body) -> None:
    current = {_name(template): _size(template) for template in _templates(live)}
    for template in _templates(body):
        before, wanted = current.get(_name(template)), _size(template)
        if before is not None and parse_quantity(wanted) < parse_quantity(before):
            raise Stalled(
                f"a volume of {before} can't shrink to {wanted}; set it to {before}, or make a new"
                " instance with smaller volumes and restore a backup into it",
                field=_field(body),
                reason="VolumeCannotShrink",
            )


def _build_at_current_size(live: Body, body: Body) -> Body:
    """Return a StatefulSet with the sizes that its claim templates have now."""
    judged = copy.deepcopy(dict(body))
    current = {_name(template): _size(template) for template in _templates(live)}
    for template in judged["spec"].get("volumeClaimTemplates") or ():
        size = current.get(_name(template), _size(template))
        template["spec"]["resources"]["requests"]["storage"] = size
    return judged


def _field(body: Body) -> str:
    return find_storage_field((body["metadata"].get("labels") or {}).get(COMPONENT_LABEL, ""))


async def _grow_claim(
    client: ClusterClient, namespace: str, claim: str, size: str, *, field: str
) -> None:
    live = await client.get("PersistentVolumeClaim", namespace, claim)
    if live is None:
        return
    before = live["spec"]["resources"]["requests"]["storage"]
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": namespace},
        "spec": {"resources": {"requests": {"storage": size}}},
    }
    try:
        await client.apply(body)
    except Waiting as waiting:
        if waiting.reason != "Forbidden":
            raise
        raise Stalled(
            f"the volume {claim} can't grow to {size}: {waiting.message}. Set it to {before}, or"
            " use a storage class with allowVolumeExpansion in a new instance and restore a"
            " backup into it",
            field=field,
            reason="VolumeCannotGrow",
        ) from waiting


async def _wait_until_gone(client: ClusterClient, namespace: str, name: str, *, uid: str) -> None:
    """Kubernetes cuts the pods loose before it lets the StatefulSet go, which takes a moment.

    The pass waits here: by the next one, drift repair would have put the old one back.
    """
    for _ in range(GONE_TRIES):
        live = await client.get("StatefulSet", namespace, name)
        if live is None or live["metadata"]["uid"] != uid:
            return
        await asyncio.sleep(GONE_TRY_SECONDS)
    raise Waiting(f"StatefulSet {name} makes room for one with a larger volume")


def _templates(body: Body) -> tuple[Mapping[str, Any], ...]:
    """Return the claim templates of a StatefulSet; a claim by itself is its own."""
    if body["kind"] == "PersistentVolumeClaim":
        return (body,)
    return tuple(body["spec"].get("volumeClaimTemplates") or ())


def _name(template: Mapping[str, Any]) -> str:
    return str(template["metadata"]["name"])


def _size(template: Mapping[str, Any]) -> str:
    return str(template["spec"]["resources"]["requests"]["storage"])
