"""Lokis as the operator builds them, and pods that write, without the rest of their instances."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from support.instance import wait_until
from support.messengers import make_messenger
from support.stage import Stage, build_alone, open_namespace

from supmessenger_cli.target import ClusterError, Kubectl
from supmessenger_operator.desired import loki

LOOK_BACK_SECONDS = 900


@dataclass(frozen=True)
class LogStage(Stage):
    """A namespace of the test's own, with Lokis and writers in it."""

    async def run_loki(self, name: str, *, volume: str = "", pods: bool = True) -> None:
        """Create the Loki of an instance; `volume` holds it in that much memory."""
        messenger = make_messenger(name=name, namespace=self.namespace)
        bodies = build_alone(loki, messenger, self.images, volume=volume)
        await self.apply(*(body for body in bodies if pods or body["kind"] != "StatefulSet"))

    async def run_writer(self, instance: str, script: str, *, name: str = "") -> None:
        """Run a line of shell in a pod that says to be of this instance."""
        await self.apply(build_writer(name or f"{instance}-writer", instance, script, self.images))

    async def query(self, name: str, query: str) -> list[dict[str, Any]]:
        """Return the streams that a Loki finds; none while it is away."""
        return await query_loki(self.kubectl, self.namespace, name, query)

    async def wait_for_line(self, name: str, text: str, *, timeout: float = 60) -> float:
        """Wait until a Loki has a line with this text; returns the seconds it took."""

        async def is_there() -> bool:
            return bool(await self.query(name, f'{{instance=~".+"}} |= "{text}"'))

        return await wait_until(is_there, timeout=timeout, what=f"{text!r} in the Loki of {name}")


@asynccontextmanager
async def open_log_stage() -> AsyncIterator[LogStage]:
    """Make a restricted namespace, and take it away with all that is in it."""
    async with open_namespace("logs") as (namespace, images):
        yield LogStage(namespace=namespace, images=images)


async def query_loki(
    kubectl: Kubectl, namespace: str, name: str, query: str
) -> list[dict[str, Any]]:
    """Return the streams that match; none while Loki does not answer."""
    start = int(time.time()) - LOOK_BACK_SECONDS
    words = urlencode({"query": query, "start": start, "limit": 1000})
    path = (
        f"/api/v1/namespaces/{namespace}/services/{name}-loki:http/proxy"
        f"/loki/api/v1/query_range?{words}"
    )
    try:
        answer = json.loads(await kubectl.run("get", "--raw", path))
    except ClusterError:
        return []
    return list(answer["data"]["result"])


def build_writer(name: str, instance: str, script: str, images: dict[str, str]) -> dict[str, Any]:
    """Return a pod that writes lines and then waits."""
    labels = {
        "app.kubernetes.io/name": "sup-messenger",
        "app.kubernetes.io/part-of": "sup-messenger",
        "app.kubernetes.io/component": "writer",
        "app.kubernetes.io/instance": instance,
    }
    container = {
        "name": "writer",
        "image": images["redis"],
        "command": ["sh", "-c", f"{script}; exec sleep 3600"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "32Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }
