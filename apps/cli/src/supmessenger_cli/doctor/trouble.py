"""The seed's four troubleshooting topics, looked at instead of read about."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from supmessenger_cli.doctor.evidence import Evidence, read_component
from supmessenger_cli.doctor.finding import Finding, fail, ok, unknown, warn
from supmessenger_cli.quantity import parse_quantity

RECENT = timedelta(hours=1)
FULL, NEARLY_FULL = 90.0, 80.0
NO_KUBELET = "the kubelets could not be asked"
ASK_FOR_KUBELET = "ask for the right nodes/proxy, or see the dashboards"


def judge_starting(evidence: Evidence) -> Finding:
    """Service won't start: pods that wait, crash or are not ready."""
    check = "Service won't start"
    if evidence.health.is_true("Hibernated"):
        cure = f"kubectl sup start {evidence.name} {evidence.flags}"
        return warn(check, "stopped on purpose: no pods run", cure)
    pods = [pod for pod in evidence.find_all("Pod") if not _is_over(pod)]
    troubles = [(pod, story) for pod in pods if (story := describe_trouble(pod))]
    if troubles:
        pod, _ = troubles[0]
        seen = "; ".join(f"{one['metadata']['name']}: {story}" for one, story in troubles)
        cure = (
            f"kubectl sup logs {evidence.name} {read_component(pod)} --previous {evidence.flags};"
            f" kubectl describe pod {pod['metadata']['name']} {evidence.flags}"
        )
        return fail(check, seen, cure)
    if evidence.health.stalled:
        return fail(check, "the operator waits for a person", evidence.health.stalled)
    restarted = [pod["metadata"]["name"] for pod in pods if _has_restarted(pod, evidence)]
    if restarted:
        cure = f"kubectl sup logs {evidence.name} --previous {evidence.flags}"
        return warn(check, f"restarted within the hour: {', '.join(sorted(restarted))}", cure)
    return ok(check, f"all {len(pods)} pods run and are ready")


def describe_trouble(pod: Mapping[str, Any]) -> str:
    """Return why a pod does not run as it should, or nothing."""
    status = pod.get("status") or {}
    for container in _list_containers(pod):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason and reason not in ("PodInitializing", "ContainerCreating"):
            message = waiting.get("message", "")
            return f"{reason} ({container['name']}){f': {message[:160]}' if message else ''}"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"not scheduled: {condition.get('message', '')[:160]}"
        if condition["type"] == "Ready" and condition["status"] == "False":
            return "not ready"
    return ""


def judge_database(evidence: Evidence) -> Finding:
    """Database connection issues: does it answer, is there room, is the schema right."""
    check = "Database connection issues"
    restart = f"kubectl sup logs {evidence.name} postgres {evidence.flags}"
    found, counted = (evidence.checks or {}).get("postgres"), evidence.connections
    room = "its connections could not be counted"
    if counted is not None:
        room = f"{counted.used} of {counted.most} connections in use"
    if found is not None and not found["ok"]:
        return fail(check, f"the worker can't use it: {found['message']}; {room}", restart)
    migrated = evidence.health.conditions.get("Migrated")
    if migrated is not None and migrated.status == "False":
        cure = f"kubectl sup migrate status {evidence.name} {evidence.flags}"
        return fail(check, migrated.message, cure)
    if counted is not None and counted.used > counted.most * 0.9:
        cure = "spec.postgres.embedded.parameters.max_connections; see docs/tuning.md"
        return fail(check, room, cure)
    if found is None:
        return unknown(check, f"the worker's checker did not answer; {room}", restart)
    return ok(check, f"answers in {found['latencyMs']:.0f} ms, {found['message']}; {room}")


def judge_disk(evidence: Evidence) -> Finding:
    """Out of disk space: volumes and the disks of nodes."""
    check = "Out of disk space"
    if not evidence.sees_kubelets:
        return unknown(check, NO_KUBELET, ASK_FOR_KUBELET)
    named = {
        **{f"volume {name}": one for name, one in evidence.volumes.items()},
        **{f"node {name}": one for name, one in evidence.disks.items()},
    }
    worst = sorted(named.items(), key=lambda one: -one[1].used_percent)
    seen = ", ".join(f"{name} {one.used_percent:.0f} %" for name, one in worst[:4])
    cure = (
        "a volume: raise its storage.size in the resource; a node: remove unused images"
        " (crictl rmi --prune) and see what fills it"
    )
    if worst and worst[0][1].used_percent >= FULL:
        return fail(check, seen, cure)
    if worst and worst[0][1].used_percent >= NEARLY_FULL:
        return warn(check, seen, cure)
    if not evidence.volumes:
        seen += "; the storage class does not measure its volumes"
    return ok(check, seen)


def judge_memory(evidence: Evidence) -> Finding:
    """High memory usage: containers near their limit, and those killed for it."""
    check = "High memory usage"
    killed = sorted(
        f"{pod['metadata']['name']}/{container['name']}"
        for pod in evidence.find_all("Pod")
        for container in _list_containers(pod)
        if (container.get("lastState") or {}).get("terminated", {}).get("reason") == "OOMKilled"
    )
    if killed:
        cure = "raise resources.limits.memory of the part in the resource; see docs/tuning.md"
        return fail(check, f"killed for lack of memory: {', '.join(killed)}", cure)
    if not evidence.sees_kubelets:
        return unknown(check, f"nothing was killed; {NO_KUBELET}", ASK_FOR_KUBELET)
    shares = sorted(_compute_shares(evidence), reverse=True)
    seen = ", ".join(f"{name} {share:.0f} % of its limit" for share, name in shares[:3])
    if shares and shares[0][0] >= FULL:
        component = shares[0][1].partition("/")[0]
        cure = (
            f"raise its resources.limits.memory, or kubectl sup restart {evidence.name}"
            f" COMPONENT {evidence.flags} (pod {component})"
        )
        return warn(check, seen, cure)
    return ok(check, seen or "nothing runs")


def _compute_shares(evidence: Evidence) -> Iterator[tuple[float, str]]:
    for pod in evidence.find_all("Pod"):
        for container in pod["spec"]["containers"]:
            name = pod["metadata"]["name"]
            used = evidence.memory.get((name, container["name"]))
            limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
            if used is not None and limit:
                yield 100 * used / parse_quantity(limit), f"{name}/{container['name']}"


def _is_over(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _list_containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _has_restarted(pod: Mapping[str, Any], evidence: Evidence) -> bool:
    for container in _list_containers(pod):
        ended = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if ended and evidence.now - datetime.fromisoformat(ended) < RECENT:
            return True
    return False
