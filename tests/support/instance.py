"""An instance on the node as its administrator and its users see it."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from supmessenger_cli.client import Client, open_client
from supmessenger_cli.conversation import SinkMailbox, wait_for_token
from supmessenger_cli.target import ClusterError, Kubectl, Target, gather_target

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Instance:
    """One SupMessenger on the node."""

    name: str
    namespace: str = "chat"
    kubectl: Kubectl = Kubectl(timeout=60)  # noqa: RUF009 (frozen, no state)

    @property
    def selector(self) -> str:
        """Labels of everything of this instance."""
        return f"app.kubernetes.io/instance={self.name},app.kubernetes.io/name=sup-messenger"

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object of the instance's namespace."""
        return await self.kubectl.get(kind, name, "-n", self.namespace)

    async def resource(self) -> dict[str, Any]:
        """Return the SupMessenger itself."""
        return await self.get("supmessenger", self.name)

    async def condition(self, kind: str) -> dict[str, Any]:
        """Return a condition judged for the present generation, or an empty dict."""
        body = await self.resource()
        for condition in (body.get("status") or {}).get("conditions", []):
            current = condition["observedGeneration"] == body["metadata"]["generation"]
            if condition["type"] == kind and current:
                return dict(condition)
        return {}

    async def is_ready(self) -> bool:
        """Return whether the instance is Ready for its present generation."""
        condition = await self.condition("Ready")
        return bool(condition.get("status") == "True")

    async def wait_until_ready(self, *, timeout: float = 300) -> None:
        """Wait until the instance is Ready."""
        await wait_until(self.is_ready, timeout=timeout, what=f"{self.name} to be Ready")

    async def is_serving(self) -> bool:
        """Return whether the API answers through the edge."""
        async with open_client(await self.target()) as client:
            try:
                response = await client.http.get("/api/v1/openapi.json")
            except httpx.HTTPError:
                return False
        return response.status_code == 200

    async def pods(self) -> list[dict[str, Any]]:
        """Return the instance's pods that are to stay; those of Jobs are left out."""
        answer = await self.kubectl.get("pods", "-n", self.namespace, "-l", self.selector)
        return [
            pod
            for pod in answer["items"]
            if pod["metadata"].get("ownerReferences", [{}])[0].get("kind") != "Job"
            and "deletionTimestamp" not in pod["metadata"]
        ]

    async def target(self) -> Target:
        """Return where its users reach it."""
        return await gather_target(self.kubectl, namespace=self.namespace, name=self.name)

    @asynccontextmanager
    async def member(self, nickname: str) -> AsyncIterator["Member"]:
        """Register, verify and log in a new account."""
        target = await self.target()
        username = f"{nickname}{secrets.token_hex(4)}"
        password = secrets.token_urlsafe(18)
        email = f"{username}@{target.domain}"
        async with open_client(target) as client:
            status = await client.register(username=username, email=email, password=password)
            if status == "pending":
                sink = SinkMailbox(
                    kubectl=self.kubectl, namespace=self.namespace, service="smtp-sink"
                )
                token = await wait_for_token(sink, email)
                await client.call("POST", "/api/v1/accounts/verify", json={"token": token})
            await client.log_in(login=username, password=password)
            yield Member(username=username, password=password, client=client)

    async def apply(self, manifest: dict[str, Any], *flags: str) -> str:
        """Apply a manifest with kubectl's strict validation; raises ClusterError when refused."""
        process = await asyncio.create_subprocess_exec(
            *("kubectl", "apply", "-n", self.namespace, "-f", "-", *flags),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate(json.dumps(manifest).encode())
        if process.returncode != 0:
            raise ClusterError(err.decode())
        return out.decode()

    async def patch(self, patch: dict[str, Any]) -> None:
        """Merge a patch into the SupMessenger."""
        await self.kubectl.run(
            *("patch", "sup", self.name, "-n", self.namespace, "--type=merge"),
            *("--patch", json.dumps(patch)),
        )

    async def remove_with_data(self) -> None:
        """Delete the instance, and what a deleted instance leaves behind."""
        where = ("-n", self.namespace, "--ignore-not-found")
        await self.kubectl.run("delete", "sup", self.name, *where)

        async def has_no_pods() -> bool:
            return not await self.pods()

        await wait_until(has_no_pods, timeout=120, what=f"{self.name}'s pods to be gone")
        await self.kubectl.run("delete", "pvc,secret,configmap", "-l", self.selector, *where)


def make_tiny(name: str) -> dict[str, Any]:
    """Return a SupMessenger of the smallest size: messaging alone, without SMTP."""
    return {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": name},
        "spec": {
            "domain": f"{name}.example.org",
            "size": "tiny",
            "livekit": {"enabled": False},
            "monitoring": {"enabled": False},
        },
    }


@dataclass(frozen=True, kw_only=True)
class Member:
    """A logged-in account."""

    username: str
    password: str
    client: Client


async def wait_until(check: Callable[[], Any], *, timeout: float, what: str) -> float:
    """Poll an awaitable condition until it holds; returns the seconds it took."""
    began = time.monotonic()
    while not await check():
        if time.monotonic() - began > timeout:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        # Each look starts a program: what takes long is not looked at more often than is useful.
        waited = time.monotonic() - began
        await asyncio.sleep(min(1.0, max(POLL_SECONDS, waited / 10)))
    return time.monotonic() - began
