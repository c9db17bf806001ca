"""Delete what is no longer desired; only after a complete pass, and never what holds data."""

from collections.abc import Iterable
from typing import Any

from supmessenger_operator.cluster.apply import Ledger
from supmessenger_operator.cluster.client import ClusterClient, Live
from supmessenger_operator.cluster.kinds import KEPT_KINDS
from supmessenger_operator.cluster.observe import Observed
from supmessenger_operator.model.desired_object import DesiredObject
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import COMPONENT_LABEL, INSTANCE_LABEL, ObservedObject


def find_orphans(
    messenger: Messenger, observed: Observed, desired: Iterable[DesiredObject]
) -> tuple[ObservedObject, ...]:
    """Return the objects that this resource owns and does not want any more."""
    wanted = {(item.kind, item.name) for item in desired}
    return tuple(
        live
        for live in observed
        if live.owner_uid == messenger.metadata.uid
        and live.kind not in KEPT_KINDS
        and (live.kind, live.name) not in wanted
    )


async def prune_orphans(
    client: ClusterClient,
    ledger: Ledger,
    observed: Observed,
    *,
    messenger: Messenger,
    orphans: Iterable[ObservedObject],
) -> tuple[ObservedObject, ...]:
    """Delete these objects, each by its uid; return those whose turn has come."""
    pruned: list[ObservedObject] = []
    for live in orphans:
        if live.kind == "StatefulSet" and not await _is_free_of_claims(client, messenger, live):
            continue  # its own change brings the next pass
        await client.delete(live.kind, messenger.namespace, live.name, uid=live.uid)
        observed.remove(live.kind, live.name)
        ledger.forget(live)
        pruned.append(live)
    return tuple(pruned)


async def _is_free_of_claims(
    client: ClusterClient, messenger: Messenger, live: ObservedObject
) -> bool:
    """Make a part that is switched off leave its volume; return whether it would by now.

    With `deletionPolicy: Delete` volumes go with their StatefulSet, which is meant for the end of
    the instance and not for the end of one of its parts.
    """
    namespace = messenger.namespace
    body = await client.get(live.kind, namespace, live.name)
    if body is None:
        return True
    policy = body["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    if policy.get("whenDeleted") == "Delete":
        await client.apply(_build_keeping(body))
        return False
    selector = f"{INSTANCE_LABEL}={messenger.name},{COMPONENT_LABEL}={live.component}"
    claims = await client.list("PersistentVolumeClaim", namespace, selector=selector)
    owners = [ref for claim in claims for ref in claim["metadata"].get("ownerReferences") or ()]
    return all(owner["uid"] != live.uid for owner in owners)


def _build_keeping(live: Live) -> dict[str, Any]:
    metadata = {
        key: live["metadata"][key]
        for key in ("name", "namespace", "labels", "ownerReferences")
        if key in live["metadata"]
    }
    keeping = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": metadata,
        "spec": {**live["spec"], "persistentVolumeClaimRetentionPolicy": keeping},
    }
