"""Gathering evidence: everything the doctor asks the cluster, each question allowed to fail."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from supmessenger_cli.doctor.certificates import gather_certificate
from supmessenger_cli.doctor.evidence import Connections, Evidence
from supmessenger_cli.doctor.kubelet import (
    gather_summaries,
    parse_disks,
    parse_memory,
    parse_volumes,
)
from supmessenger_cli.doctor.strength import Strength, compute_strength
from supmessenger_cli.forward import forward_port
from supmessenger_cli.health import parse_health
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import ClusterError
from supmessenger_cli.terminal import VerbFailure

KINDS = (
    "pods,services,networkpolicies,persistentvolumeclaims,cronjobs,jobs,deployments,statefulsets"
)
# Runs in the worker, which alone may ask everybody.
_CHECKS = (
    "import urllib.request as u;"
    "print(u.urlopen('http://127.0.0.1:3004/v1/checks', timeout=5).read().decode())"
)
_COUNT = (
    "SELECT count(*), current_setting('max_connections') FROM pg_stat_activity"
    " WHERE backend_type = 'client backend'"
)
# Redis' own protocol, with bash's or the redis image's own client.
_PING = "redis-cli ping 2>&1 || true"
T = TypeVar("T")


async def gather_evidence(scope: Scope) -> Evidence:
    """Ask everything at once."""
    resource = await scope.resource()
    objects = await scope.list(KINDS)
    values, summaries, checks, rotation, doors, connections = await asyncio.gather(
        _allow(_read_secrets(scope)),
        gather_summaries(scope),
        _allow(_read_checks(scope)),
        _allow(_read_rotation(scope, objects)),
        _knock(scope),
        _allow(_count_connections(scope)),
    )
    certificate = await gather_certificate(scope, values or {})
    return Evidence(
        now=datetime.now(UTC),
        name=scope.name,
        flags=scope.flags,
        resource=resource,
        health=parse_health(resource),
        objects=objects,
        secrets=_measure(values) if values is not None else None,
        certificate=certificate,
        checks=checks,
        volumes=parse_volumes(summaries, namespace=scope.namespace),
        disks=parse_disks(summaries),
        memory=parse_memory(summaries, namespace=scope.namespace),
        sees_kubelets=bool(summaries),
        log_rotation=rotation,
        open_doors=doors,
        connections=connections,
    )


async def _allow(question: Awaitable[T]) -> T | None:
    """Return the answer, or None when it was refused or nobody was there to answer."""
    try:
        return await question
    except (ClusterError, VerbFailure, httpx.HTTPError, TimeoutError, OSError, ValueError):
        return None


async def _read_secrets(scope: Scope) -> dict[tuple[str, str], str]:
    found = await scope.list("secrets")
    return {
        (item["metadata"]["name"].removeprefix(f"{scope.name}-"), key): base64.b64decode(
            value
        ).decode(errors="replace")
        for item in found
        for key, value in (item.get("data") or {}).items()
    }


def _measure(values: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Strength]:
    return {place: compute_strength(value) for place, value in values.items()}


async def _read_checks(scope: Scope) -> dict[str, Mapping[str, Any]]:
    text = await _exec(scope, f"deployment/{scope.name}-worker", "python3", "-c", _CHECKS)
    return {one["name"]: one for one in json.loads(text)["checks"]}


async def _read_rotation(scope: Scope, objects: list[dict[str, Any]]) -> dict[str, Any]:
    nodes = sorted({item["spec"]["nodeName"] for item in objects if item["spec"].get("nodeName")})
    if not nodes:
        raise ClusterError("no pod is on a node")
    path = f"/api/v1/nodes/{nodes[0]}/proxy/configz"
    config: dict[str, Any] = json.loads(await scope.kubectl.run("get", "--raw", path))
    found: dict[str, Any] = config["kubeletconfig"]
    return found


async def _knock(scope: Scope) -> dict[str, str | None]:
    cache, state, broker = await asyncio.gather(
        *(
            _allow(_exec(scope, f"{scope.name}-{part}-0", "sh", "-c", _PING))
            for part in ("redis-cache", "redis-state")
        ),
        _allow(_try_guest(scope)),
    )
    return {"redis-cache": cache, "redis-state": state, "rabbitmq": broker}


async def _try_guest(scope: Scope) -> str:
    """Return the status that the user a broker is shipped with gets from its own machine."""
    if await scope.kubectl.find("statefulset", f"{scope.name}-rabbitmq", *scope.where) is None:
        raise ClusterError("it runs elsewhere")
    async with (
        forward_port(scope, f"{scope.name}-rabbitmq", remote=15672) as forward,
        httpx.AsyncClient(timeout=10, trust_env=False) as client,
    ):
        answer = await client.get(
            f"http://127.0.0.1:{forward.port}/api/whoami", auth=("guest", "guest")
        )
        return str(answer.status_code)


async def _count_connections(scope: Scope) -> Connections:
    pod = f"{scope.name}-postgres-0"
    text = await _exec(scope, pod, "psql", "-qAt", "-U", "postgres", "-d", "sup", "-c", _COUNT)
    used, most = text.strip().split("|")
    return Connections(used=int(used), most=int(most))


async def _exec(scope: Scope, pod: str, *command: str) -> str:
    return await scope.kubectl.run("exec", pod, *scope.where, "--", *command, timeout=20)
