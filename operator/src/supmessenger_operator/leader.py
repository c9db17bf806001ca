"""Leader election on a Lease: one operator works, the others wait for its Lease to run out.

The library's own election waits without a limit for a request that hangs, so that a leader could
go on working after its Lease was taken. Here every renewal has to be done before the deadline.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from supmessenger_operator import metrics
from supmessenger_operator.cluster.client import ClusterClient, Live
from supmessenger_operator.cluster.errors import AlreadyExists, Conflict
from supmessenger_operator.model.outcome import Stalled, Waiting

LEASE_SECONDS = 15
RENEW_DEADLINE_SECONDS = 10.0
RETRY_SECONDS = 2.0

log = structlog.get_logger()


class LeaseLost(Exception):
    """Another operator may be working by now: this process has to end at once."""


class Elector:
    """Takes, renews and gives back one Lease."""

    def __init__(
        self,
        client: ClusterClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._monotonic = monotonic
        # When this process saw the Lease change last, by its own clock: clocks of nodes differ.
        self._seen: tuple[str, float] | None = None
        self.is_leading = False
        self.last_contact = 0.0

    async def acquire(self) -> None:
        """Return once this process leads."""
        while not await self._try():  # noqa: ASYNC110 - the Lease is not in this process
            await asyncio.sleep(RETRY_SECONDS)
        self.is_leading = True
        metrics.LEADER.set(1)
        log.info("leading", lease=self._name, identity=self._identity)

    async def renew(self) -> None:
        """Renew until the deadline passes without success; then the Lease counts as lost."""
        renewed = self._monotonic()
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            remaining = RENEW_DEADLINE_SECONDS - (self._monotonic() - renewed)
            try:
                async with asyncio.timeout(max(remaining, 0)):
                    if await self._try():
                        renewed = self._monotonic()
                        continue
            except TimeoutError:
                remaining = 0
            if remaining <= 0 or not self._is_ours():
                self.is_leading = False
                metrics.LEADER.set(0)
                raise LeaseLost(f"the Lease {self._name} could not be renewed in time")

    async def release(self) -> None:
        """Give the Lease back, so that a follower takes over at once."""
        if not self.is_leading:
            return
        self.is_leading = False
        try:
            live = await self._client.get("Lease", self._namespace, self._name)
            if live is not None and live["spec"].get("holderIdentity") == self._identity:
                spec = {**live["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.replace({**live, "spec": spec})
        except (Stalled, Waiting, Conflict):
            log.info("the lease runs out by itself", lease=self._name)

    def _is_ours(self) -> bool:
        return self._seen is not None and self._seen[0].startswith(f"{self._identity}/")

    async def _try(self) -> bool:
        """Take or renew the Lease; False when somebody else holds it or the server is away."""
        try:
            live = await self._client.get("Lease", self._namespace, self._name)
            self.last_contact = self._monotonic()
            if live is None:
                await self._client.create(self._build(None))
                return True
            if not self._may_take(live):
                return False
            await self._client.replace(self._build(live))
            return True
        except (AlreadyExists, Conflict):
            return False
        except (Stalled, Waiting) as reason:
            log.warning("lease not reached", lease=self._name, reason=reason.message)
            return False

    def _may_take(self, live: Live) -> bool:
        spec = live["spec"]
        holder = spec.get("holderIdentity") or ""
        record = f"{holder}/{spec.get('renewTime')}/{live['metadata']['resourceVersion']}"
        now = self._monotonic()
        if self._seen is None or self._seen[0] != record:
            self._seen = (record, now)
        duration = spec.get("leaseDurationSeconds") or LEASE_SECONDS
        return holder in ("", self._identity) or now - self._seen[1] > duration

    def _build(self, live: Live | None) -> dict[str, Any]:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec: dict[str, Any] = dict(live["spec"]) if live is not None else {}
        if spec.get("holderIdentity") != self._identity:
            spec["acquireTime"] = moment
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        metadata = (
            live["metadata"]
            if live is not None
            else {"name": self._name, "namespace": self._namespace}
        )
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                **spec,
                "holderIdentity": self._identity,
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": moment,
            },
        }
