"""Lokis as the operator builds them, and pods that write, without the rest of their instances."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from support.deployables import to_plain
from support.instance import Instance, wait_until
from support.messengers import make_inputs, make_messenger

from supmessenger_cli.target import ClusterError, Kubectl
from supmessenger_operator.desired import foundation, loki
from supmessenger_operator.model import Messenger

OPERATOR_NAMESPACE = "sup-system"
LOOK_BACK_SECONDS = 900


@dataclass(frozen=True)
class LogStage:
    """A namespace of the test's own."""

    namespace: str
    images: dict[str, str]
    kubectl: Kubectl = Kubectl(timeout=60)  # noqa: RUF009 (frozen, no state)

    async def apply(self, *bodies: dict[str, Any]) -> None:
        """Create objects, all in one call."""
        everything = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        await Instance("", namespace=self.namespace).apply(everything)

    async def run_loki(self, name: str, *, volume: str = "", pods: bool = True) -> None:
        """Create the Loki of an instance; `volume` holds it in that much memory."""
        messenger = make_messenger(name=name, namespace=self.namespace)
        await self.apply(*build_loki(messenger, self.images, volume=volume, pods=pods))

    async def run_writer(self, instance: str, script: str, *, name: str = "") -> None:
        """Run a line of shell in a pod that says to be of this instance."""
        await self.apply(build_writer(name or f"{instance}-writer", instance, script, self.images))

    async def wait_for_loki(self, name: str) -> None:
        """Wait until a Loki is ready."""
        args = ("rollout", "status", f"statefulset/{name}-loki", "-n", self.namespace)
        await self.kubectl.run(*args, "--timeout=55s")

    async def address(self, pod: str) -> str:
        """Return the address of a pod."""
        body = await self.kubectl.get("pod", pod, "-n", self.namespace)
        return str(body["status"]["podIP"])

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
    kubectl = Kubectl(timeout=60)
    listed = await kubectl.get("configmap", "sup-operator-images", "-n", OPERATOR_NAMESPACE)
    images = json.loads(listed["data"]["images.json"])["components"]
    namespace = f"logs-{secrets.token_hex(3)}"
    stage = LogStage(namespace=namespace, images=images, kubectl=kubectl)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": namespace, "labels": labels}
    await stage.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield stage
    finally:
        await kubectl.run("delete", "namespace", namespace, "--wait=false")


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


def build_loki(
    messenger: Messenger, images: dict[str, str], *, volume: str, pods: bool
) -> list[dict[str, Any]]:
    """Return the objects of a Loki that nobody owns."""
    inputs = make_inputs(messenger, images={"loki": images["loki"]})
    objects = (*foundation.build_objects(messenger, inputs), *loki.build_objects(messenger, inputs))
    bodies = [to_plain(built) for built in objects]
    for body in bodies:
        # The resource does not exist: what it owned would be swept away.
        del body["metadata"]["ownerReferences"]
        if volume and body["kind"] == "StatefulSet":
            del body["spec"]["volumeClaimTemplates"]
            body["spec"]["template"]["spec"]["volumes"].append(
                {"name": "data", "emptyDir": {"medium": "Memory", "sizeLimit": volume}}
            )
    return [body for body in bodies if pods or body["kind"] != "StatefulSet"]


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
