"""What the kubelets measure: memory of containers, use of volumes, logs and disks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supmessenger_cli.scope import Scope
from supmessenger_cli.target import ClusterError


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How full something is, in bytes."""

    used: int
    capacity: int

    @property
    def used_percent(self) -> float:
        """Percent of the capacity."""
        return 100 * self.used / self.capacity if self.capacity else 0.0


async def gather_summaries(scope: Scope) -> list[dict[str, Any]]:
    """Return the kubelets' summaries of the nodes that run the instance; empty when forbidden."""
    nodes = sorted(
        {pod["spec"]["nodeName"] for pod in await scope.list("pods") if pod["spec"].get("nodeName")}
    )
    summaries = []
    for node in nodes:
        path = f"/api/v1/nodes/{node}/proxy/stats/summary"
        try:
            summaries.append(json.loads(await scope.kubectl.run("get", "--raw", path)))
        except ClusterError:  # needs nodes/proxy, which many people rightly don't have
            return []
    return summaries


async def gather_volumes(scope: Scope) -> dict[str, Usage]:
    """Return the use of the instance's volumes that are mounted now, by claim."""
    return parse_volumes(await gather_summaries(scope), namespace=scope.namespace)


def parse_volumes(summaries: list[dict[str, Any]], *, namespace: str) -> dict[str, Usage]:
    """Return the use of each claim of a namespace."""
    return {
        volume["pvcRef"]["name"]: Usage(used=volume["usedBytes"], capacity=volume["capacityBytes"])
        for summary in summaries
        for pod in summary.get("pods", ())
        for volume in pod.get("volume") or ()
        if volume.get("pvcRef", {}).get("namespace") == namespace and "usedBytes" in volume
    }


def parse_memory(summaries: list[dict[str, Any]], *, namespace: str) -> dict[tuple[str, str], int]:
    """Return the working set of each container in bytes, by pod and container."""
    return {
        (pod["podRef"]["name"], container["name"]): container["memory"]["workingSetBytes"]
        for summary in summaries
        for pod in summary.get("pods", ())
        if pod["podRef"]["namespace"] == namespace
        for container in pod.get("containers") or ()
        if "workingSetBytes" in container.get("memory", {})
    }


def parse_disks(summaries: list[dict[str, Any]]) -> dict[str, Usage]:
    """Return the use of each node's own disk, by node."""
    return {
        summary["node"]["nodeName"]: _parse_disk(summary["node"]["fs"])
        for summary in summaries
        if "fs" in summary.get("node", {})
    }


def _parse_disk(disk: Mapping[str, int]) -> Usage:
    return Usage(
        used=disk["capacityBytes"] - disk["availableBytes"], capacity=disk["capacityBytes"]
    )
