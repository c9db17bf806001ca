"""Apply objects where they differ from what was applied last, and repair what is released."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.observe import Observed
from supmessenger_operator.cluster.release import Release
from supmessenger_operator.model.observed import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    ObservedObject,
    compute_hash,
)
from supmessenger_operator.model.outcome import Stalled

# The API server looks up the role that a binding gives, also in a dry run that has made none.
_REFERRING_KINDS = frozenset({"RoleBinding"})


class Ledger:
    """What was applied and how the object looked afterwards, so that no write is made in vain.

    Kept in memory: after a restart everything is applied once, which changes nothing on the API
    server where nothing has drifted.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], tuple[str, str]] = {}

    def is_current(self, live: ObservedObject | None, body: Mapping[str, Any]) -> bool:
        """Whether the live object is still as we left it after applying this very body."""
        if live is None:
            return False
        entry = self._entries.get((live.uid, live.name))
        return entry == (compute_hash(dict(body)), live.fingerprint)

    def enter(self, live: ObservedObject, body: Mapping[str, Any]) -> None:
        """Remember an object as it is after it was applied."""
        self._entries[(live.uid, live.name)] = (compute_hash(dict(body)), live.fingerprint)

    def forget(self, live: ObservedObject) -> None:
        """Forget an object that is gone."""
        self._entries.pop((live.uid, live.name), None)


async def apply_objects(
    client: ClusterClient,
    ledger: Ledger,
    observed: Observed,
    bodies: Iterable[Mapping[str, Any]],
) -> tuple[ObservedObject, ...]:
    """Apply what is absent or differs; return what was written."""
    stale = [
        body
        for body in bodies
        if not ledger.is_current(observed.find(body["kind"], body["metadata"]["name"]), body)
    ]
    entered: list[ObservedObject] = []
    for bodies_of_step in _split(stale):
        written = await asyncio.gather(
            *(_apply_whole(client, observed, body) for body in bodies_of_step)
        )
        for body, live in zip(bodies_of_step, written, strict=True):
            item = observed.enter(live)
            ledger.enter(item, body)
            entered.append(item)
    return tuple(entered)


def _split(bodies: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], ...]:
    """Return what can be applied at once, and what can't before the first is there."""
    first = [body for body in bodies if body["kind"] not in _REFERRING_KINDS]
    return first, [body for body in bodies if body["kind"] in _REFERRING_KINDS]


async def _apply_whole(
    client: ClusterClient, observed: Observed, body: Mapping[str, Any]
) -> dict[str, Any]:
    metadata = body["metadata"]
    live = observed.find(body["kind"], metadata["name"])
    if live is not None and live.is_edited:
        await client.take_over(body["kind"], metadata["namespace"], metadata["name"])
    return await client.apply(body)


async def repair_released(
    client: ClusterClient,
    ledger: Ledger,
    observed: Observed,
    releases: Iterable[Release],
    *,
    keeps_edits: bool = False,
) -> tuple[ObservedObject, ...]:
    """Put back what was deleted or edited, as it was released; this never waits for a gate.

    With `keeps_edits` only what is gone comes back.
    """
    bodies = [
        body
        for release in releases
        for body in release.objects
        if not keeps_edits or observed.find(body["kind"], body["metadata"]["name"]) is None
    ]
    return await apply_objects(client, ledger, observed, bodies)


async def refuse_taken_names(
    client: ClusterClient, observed: Observed, bodies: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse to take over an object that somebody else has made under a name we need."""
    for body in bodies:
        kind, metadata = body["kind"], body["metadata"]
        if observed.find(kind, metadata["name"]) is not None:
            continue
        live = await client.get(kind, metadata["namespace"], metadata["name"])
        labels = (live or {}).get("metadata", {}).get("labels") or {}
        if live is not None and labels.get(MANAGED_BY_LABEL) != MANAGED_BY:
            raise Stalled(
                f"there is a {kind} {metadata['name']} that the operator has not made; delete or"
                " rename it, or give the instance another name",
                field="metadata.name",
                reason="NameTaken",
                is_outside=True,
            )


async def check_objects(client: ClusterClient, bodies: Iterable[Mapping[str, Any]]) -> None:
    """Let the API server judge objects without writing them, before they are released."""
    judged = (body for body in bodies if body["kind"] not in _REFERRING_KINDS)
    await asyncio.gather(*(client.apply(body, dry_run=True) for body in judged))
