"""Where an instance is reached: its domain, the address of its edge, and whom to trust."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any


class ClusterError(Exception):
    """The cluster could not answer; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One instance as a client sees it."""

    namespace: str
    name: str
    domain: str
    address: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """kubectl with the caller's own context, as a client of the API server."""

    context: str | None = None
    timeout: float = 20.0

    async def run(self, *args: str, stdin: str | None = None, timeout: float | None = None) -> str:
        """Run kubectl and return its output; raises ClusterError with kubectl's own words."""
        limit = timeout or self.timeout
        process = await self.start(*args, stdin=None if stdin is None else asyncio.subprocess.PIPE)
        try:
            sent = None if stdin is None else stdin.encode()
            out, err = await asyncio.wait_for(process.communicate(sent), limit)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ClusterError(f"kubectl {args[0]} did not answer in {limit:.0f} s") from None
        except BaseException:  # cancelled: a child of ours must not outlive us
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        if process.returncode != 0:
            raise ClusterError(err.decode().strip() or f"kubectl {args[0]} failed")
        return out.decode()

    async def start(
        self,
        *args: str,
        stdin: int | None = None,
        stdout: int | None = asyncio.subprocess.PIPE,
        stderr: int | None = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """Start kubectl and return the process, for output that is read as it comes."""
        flags = ["--context", self.context] if self.context else []
        try:
            return await asyncio.create_subprocess_exec(
                *("kubectl", *flags, *args),
                stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
                stdout=stdout,
                stderr=stderr,
            )
        except FileNotFoundError:
            raise ClusterError("kubectl is not installed, or not on the PATH") from None

    async def get(self, *args: str) -> dict[str, Any]:
        """Return the JSON of `kubectl get ARGS`."""
        parsed: dict[str, Any] = json.loads(await self.run("get", *args, "-o", "json"))
        return parsed

    async def find(self, *args: str) -> dict[str, Any] | None:
        """Return the JSON of `kubectl get ARGS`, or None when there is no such object."""
        text = await self.run("get", *args, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None


async def gather_target(
    kubectl: Kubectl, *, namespace: str, name: str, reached_at: str = ""
) -> Target:
    """Read a SupMessenger and the Service of its edge.

    `reached_at` (host:port, such as a port-forward's) is used instead of the Service's address.
    """
    resource = await kubectl.get("supmessenger", name, "-n", namespace)
    disabled = "disabled" in (resource["spec"].get("tls") or {})
    edge = await kubectl.get("service", f"{name}-edge", "-n", namespace)
    host, port = parse_reached_at(reached_at) if reached_at else ("", 0)
    tls = None
    if not disabled:
        tls = await _gather_trust(kubectl, resource)
    return Target(
        namespace=namespace,
        name=name,
        domain=resource["spec"]["domain"],
        address=host or parse_edge_address(edge),
        port=port or (80 if disabled else 443),
        tls=tls,
    )


def parse_reached_at(text: str) -> tuple[str, int]:
    """Return host and port of `host:port`; raises ClusterError for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(f"{text!r} is no address: give host:port, such as 127.0.0.1:8443")
    return host.strip("[]"), int(port)


async def _gather_trust(kubectl: Kubectl, resource: dict[str, Any]) -> ssl.SSLContext:
    """Trust the instance's own authority alone where it has one, else the machine's."""
    name = ((resource.get("status") or {}).get("tls") or {}).get("caConfigMap")
    if not name:
        return ssl.create_default_context()
    authority = await kubectl.get("configmap", name, "-n", resource["metadata"]["namespace"])
    return ssl.create_default_context(cadata=authority["data"]["ca.crt"])


def parse_edge_address(service: dict[str, Any]) -> str:
    """Return the LoadBalancer address of a Service, else its cluster address."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    for entry in ingress:
        address: str | None = entry.get("ip") or entry.get("hostname")
        if address:
            return address
    if service["spec"]["type"] == "LoadBalancer":
        raise ClusterError(
            f"Service {service['metadata']['name']} has no address yet; "
            "is a load balancer controller running in this cluster?"
        )
    return str(service["spec"]["clusterIP"])
