"""What is there: the live objects of one instance, read once a pass."""

import asyncio
from collections.abc import Iterator

from supmessenger_operator.cluster.client import ClusterClient, Live
from supmessenger_operator.cluster.kinds import CHILD_KINDS
from supmessenger_operator.model.observed import (
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    ObservedObject,
    parse_observed,
)


class Observed:
    """The live objects of one instance; writes of the pass are entered as they happen."""

    def __init__(self, objects: list[ObservedObject]) -> None:
        self._objects = {(item.kind, item.name): item for item in objects}

    def __iter__(self) -> Iterator[ObservedObject]:
        return iter(tuple(self._objects.values()))

    def find(self, kind: str, name: str) -> ObservedObject | None:
        """Return one object, if it is there."""
        return self._objects.get((kind, name))

    def enter(self, live: Live) -> ObservedObject:
        """Enter an object as a write returned it."""
        item = parse_observed(live)
        self._objects[(item.kind, item.name)] = item
        return item

    def remove(self, kind: str, name: str) -> None:
        """Forget an object that was deleted."""
        self._objects.pop((kind, name), None)


async def observe_instance(client: ClusterClient, namespace: str, name: str) -> Observed:
    """Read every object that carries the labels of this instance."""
    selector = f"{INSTANCE_LABEL}={name},{MANAGED_BY_LABEL}={MANAGED_BY}"
    lists = await asyncio.gather(
        *(client.list(kind, namespace, selector=selector) for kind in CHILD_KINDS)
    )
    return Observed([parse_observed(live) for items in lists for live in items])


async def find_living_pods(
    client: ClusterClient, namespace: str, name: str, *, components: frozenset[str]
) -> tuple[str, ...]:
    """Return the names of these components' pods that have not ended."""
    selector = f"{INSTANCE_LABEL}={name},{MANAGED_BY_LABEL}={MANAGED_BY}"
    pods = await client.list("Pod", namespace, selector=selector) if components else []
    return tuple(
        sorted(
            pod["metadata"]["name"]
            for pod in pods
            if pod["metadata"]["labels"].get(COMPONENT_LABEL) in components
            and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        )
    )


async def read_job_message(client: ClusterClient, namespace: str, job: str) -> str:
    """Return what the last ended pod of a Job left as its termination message."""
    pods = await client.list("Pod", namespace, selector=f"batch.kubernetes.io/job-name={job}")
    ended = [
        (status["state"]["terminated"].get("finishedAt") or "", status["state"]["terminated"])
        for pod in pods
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
        if "terminated" in (status.get("state") or {})
    ]
    if not ended:
        return ""
    return str(max(ended, key=lambda one: one[0])[1].get("message", "")).strip()
