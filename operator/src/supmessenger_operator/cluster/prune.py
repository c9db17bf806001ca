"""Delete what is no longer desired; only after a complete pass, and never what holds data."""

from collections.abc import Iterable

from supmessenger_operator.cluster.apply import Ledger
from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.kinds import KEPT_KINDS
from supmessenger_operator.cluster.observe import Observed
from supmessenger_operator.model.desired_object import DesiredObject
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import ObservedObject


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
) -> None:
    """Delete these objects, each by its uid."""
    for live in orphans:
        await client.delete(live.kind, messenger.namespace, live.name, uid=live.uid)
        observed.remove(live.kind, live.name)
        ledger.forget(live)
