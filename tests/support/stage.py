"""Parts as the operator builds them, in a namespace of the test's own, without the rest."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from support.deployables import to_plain
from support.instance import Instance
from support.messengers import make_inputs

from supmessenger_cli.target import Kubectl
from supmessenger_operator.desired import foundation
from supmessenger_operator.model import DesiredObject, Inputs, Messenger

OPERATOR_NAMESPACE = "sup-system"
READY_SECONDS = 180


class Part(Protocol):
    """A module of the operator that builds one part."""

    COMPONENT: str

    def build_objects(self, messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
        """Return the objects of the part."""
        ...


@dataclass(frozen=True)
class Stage:
    """A namespace of the test's own."""

    namespace: str
    images: dict[str, str]
    kubectl: Kubectl = Kubectl(timeout=60)  # noqa: RUF009 (frozen, no state)

    async def apply(self, *bodies: dict[str, Any]) -> None:
        """Create objects, all in one call."""
        everything = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        await Instance("", namespace=self.namespace).apply(everything)

    async def wait_for(self, workload: str) -> None:
        """Wait until a workload (kind/name) is ready."""
        where = ("-n", self.namespace, f"--timeout={READY_SECONDS}s")
        await self.kubectl.run("rollout", "status", workload, *where, timeout=READY_SECONDS + 10)

    async def address(self, pod: str) -> str:
        """Return the address of a pod."""
        body = await self.kubectl.get("pod", pod, "-n", self.namespace)
        return str(body["status"]["podIP"])

    async def ask(self, service: str, path: str, **query: str) -> Any:
        """Return the JSON that a Service answers, by the API server's proxy."""
        where = f"/api/v1/namespaces/{self.namespace}/services/{service}:http/proxy"
        said = await self.kubectl.run("get", "--raw", f"{where}{path}?{urlencode(query)}")
        return json.loads(said)

    async def health(self, pod: str) -> tuple[bool, int]:
        """Return whether a pod's one container is ready, and how often it was restarted."""
        body = await self.kubectl.get("pod", pod, "-n", self.namespace)
        (status,) = body["status"]["containerStatuses"]
        return status["ready"], status["restartCount"]


@asynccontextmanager
async def open_namespace(prefix: str) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Make a restricted namespace, give its name and the operator's images, and take it away."""
    kubectl = Kubectl(timeout=60)
    listed = await kubectl.get("configmap", "sup-operator-images", "-n", OPERATOR_NAMESPACE)
    images = json.loads(listed["data"]["images.json"])["components"]
    namespace = f"{prefix}-{secrets.token_hex(3)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": namespace, "labels": labels}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    await Stage(namespace, images, kubectl).apply(body)
    try:
        yield namespace, images
    finally:
        await kubectl.run("delete", "namespace", namespace, "--wait=false")


def build_alone(
    part: Part, messenger: Messenger, images: dict[str, str], *, volume: str
) -> list[dict[str, Any]]:
    """Return the objects of a part that nobody owns; `volume` holds it in that much memory."""
    inputs = make_inputs(messenger, images={part.COMPONENT: images[part.COMPONENT]})
    objects = (*foundation.build_objects(messenger, inputs), *part.build_objects(messenger, inputs))
    bodies = [to_plain(built) for built in objects]
    for body in bodies:
        # The resource does not exist: what it owned would be swept away.
        del body["metadata"]["ownerReferences"]
        if volume and body["kind"] == "StatefulSet":
            del body["spec"]["volumeClaimTemplates"]
            body["spec"]["template"]["spec"]["volumes"].append(
                {"name": "data", "emptyDir": {"medium": "Memory", "sizeLimit": volume}}
            )
    return bodies
