"""The state of one pass, and what all passes share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from supmessenger_operator.cluster.acme_orders import CertificateOrders
from supmessenger_operator.cluster.apply import Ledger
from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.observe import Observed, observe_instance
from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.cluster.release import Releases, read_releases
from supmessenger_operator.events import EventRecorder
from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.desired_object import DesiredObject
from supmessenger_operator.model.inputs import Inputs
from supmessenger_operator.model.job_message import JobMessage
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.status import Status, read_status
from supmessenger_operator.probes.checker import Checkers


@dataclass(frozen=True, kw_only=True)
class Context:
    """What all passes share."""

    client: ClusterClient
    defaults: OperatorDefaults
    recorder: EventRecorder
    checkers: Checkers
    orders: CertificateOrders
    reach: Reach = field(default_factory=Reach)
    ledger: Ledger = field(default_factory=Ledger)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    # Termination messages of ended Jobs by their uid: an ended Job says nothing new.
    job_messages: dict[str, JobMessage] = field(default_factory=dict)


@dataclass(kw_only=True)
class Run:
    """What one pass has learned so far."""

    context: Context
    body: Mapping[str, Any]
    observed: Observed
    releases: Releases
    previous: Status
    messenger: Messenger | None = None
    inputs: Inputs | None = None
    desired: tuple[DesiredObject, ...] = ()
    pending: tuple[str, ...] = ()
    # What the API server refused of optional parts, told when everything else is done.
    refused: list[Stalled] = field(default_factory=list)

    def refuse(self, component: str, refused: Stalled) -> None:
        """Keep what was refused of an optional part, also as what is wrong with that part."""
        self.refused.append(refused)
        if self.inputs is not None:
            # What calls are reached by has no condition of its own.
            part = {"calls": "livekit", "signalling": "livekit"}.get(component, component)
            problems = {part: refused.message, **self.inputs.problems}
            self.inputs = self.inputs.model_copy(update={"problems": problems})

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.body["metadata"]["namespace"], self.body["metadata"]["name"]


async def start_run(body: Mapping[str, Any], context: Context) -> Run:
    """Read what is there and what is released."""
    metadata = body["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    return Run(
        context=context,
        body=body,
        observed=await observe_instance(context.client, namespace, name),
        releases=await read_releases(context.client, namespace, name, owner_uid=metadata["uid"]),
        previous=read_status(body),
    )
