"""What is asked of the node's API server: a few reads, and kubectl for applying."""

from __future__ import annotations

import functools
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from supnode.addresses import Addresses
from supnode.commands import build_environment
from supnode.failure import Failure
from supnode.paths import NodePaths


class Cluster:
    """Reads from the API server as its administrator."""

    def __init__(self, addresses: Addresses, paths: NodePaths) -> None:
        self._addresses = addresses
        self._paths = paths

    @functools.cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        pki = self._paths.pki
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
        # A proxy in the environment is meant for the world outside, not for this machine.
        no_proxy = urllib.request.ProxyHandler({})
        return urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=context))

    def get(self, path: str) -> str | None:
        """Return what the server answers, or None if it does not (yet)."""
        try:
            with self._opener.open(f"{self._addresses.server}{path}", timeout=3) as answer:
                return str(answer.read().decode())
        except (OSError, urllib.error.URLError, ssl.SSLError):
            return None

    def get_object(self, path: str) -> dict[str, Any]:
        """Return an object, or an empty one if there is none (yet)."""
        text = self.get(path)
        return dict(json.loads(text)) if text else {}

    def is_ready(self) -> bool:
        """Return whether the API server calls itself ready."""
        return self.get("/readyz") == "ok"

    def is_node_ready(self, *, since: str = "") -> bool:
        """Return whether the node is ready, by a heartbeat no older than `since` (RFC 3339)."""
        node = self.get_object(f"/api/v1/nodes/{self._addresses.name}")
        return is_condition_true(node, "Ready", since=since)

    def is_deployment_ready(self, namespace: str, name: str, *, since: str = "") -> bool:
        """Return whether a Deployment runs, in containers started at `since` or later.

        After `down` and `up` the server still holds what was true before, so the Deployment's
        own word is not enough.
        """
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        if not is_rolled_out(self.get_object(path)):
            return False
        pods = self.get_object(f"/api/v1/namespaces/{namespace}/pods").get("items", [])
        mine = [
            pod
            for pod in pods
            if pod["metadata"]["name"].startswith(f"{name}-") and is_pod_current(pod)
        ]
        return bool(mine) and all(is_pod_ready(pod, since=since) for pod in mine)

    def apply(self, kubectl: Path, manifest: str, *, log: Path) -> None:
        """Apply a manifest server-side."""
        words = ["apply", "--server-side", "--force-conflicts", "--field-manager=sup-node"]
        argv = [str(kubectl), "--kubeconfig", str(self._paths.kubeconfig), *words, "-f", "-"]
        with log.open("ab") as handle:
            done = subprocess.run(
                argv,
                input=manifest.encode(),
                stdout=handle,
                stderr=handle,
                env=build_environment(),
                check=False,
            )
        if done.returncode != 0:
            raise Failure("the manifests could not be applied", log=log, cure="read the log")


def is_condition_true(document: dict[str, Any], kind: str, *, since: str = "") -> bool:
    """Return whether a condition is True and was last confirmed at `since` or later."""
    for condition in document.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            return str(condition.get("lastHeartbeatTime", since)) >= since
    return False


def is_rolled_out(deployment: dict[str, Any]) -> bool:
    """Return whether a Deployment runs as specified."""
    if not deployment:
        return False
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )


def is_pod_ready(pod: dict[str, Any], *, since: str = "") -> bool:
    """Return whether every container is ready and was started at `since` or later."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return bool(statuses) and all(
        status["ready"] and status["state"].get("running", {}).get("startedAt", "") >= since
        for status in statuses
    )


def is_pod_current(pod: dict[str, Any]) -> bool:
    """Return whether a pod still counts: it has neither ended nor been asked to."""
    ended = pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}
    return not ended and "deletionTimestamp" not in pod["metadata"]
