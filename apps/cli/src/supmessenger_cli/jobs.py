"""Short Jobs of a verb's own, made from what the operator has made: run, wait, read, remove."""

import asyncio
import copy
import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from supmessenger_cli.progress import POLL_SECONDS
from supmessenger_cli.scope import Scope
from supmessenger_cli.terminal import VerbFailure, console

# Labels that Kubernetes itself gives the pods of a Job.
_OF_THE_JOB = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
)


def build_job(
    source: Mapping[str, Any], *, name: str, command: list[str], container: str = ""
) -> dict[str, Any]:
    """Return a Job of one container of another Job's pod, with another command.

    It keeps image, Secrets and volumes, runs once, and belongs to nobody but the caller. The
    operator's own label is left out, so that it is not taken for a migration or a backup.
    """
    template = copy.deepcopy(source["spec"]["template"])
    labels = template["metadata"].get("labels") or {}
    kept = {key: value for key, value in labels.items() if key not in _OF_THE_JOB}
    kept["app.kubernetes.io/managed-by"] = "kubectl-sup"
    pod = template["spec"]
    pod.pop("initContainers", None)
    body = next(one for one in pod["containers"] if not container or one["name"] == container)
    pod["containers"] = [{**body, "command": command, "args": []}]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": source["metadata"]["namespace"],
            "labels": kept,
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 3600,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": kept}, "spec": pod},
        },
    }


def build_name(scope: Scope, purpose: str) -> str:
    """Return a name that no other run has."""
    moment = datetime.now(UTC).strftime("%H%M%S")
    return f"{scope.name}-{purpose}-{moment}-{secrets.token_hex(2)}"


async def run_job(scope: Scope, job: Mapping[str, Any], *, timeout: float) -> str:
    """Run a Job to its end, return its log, and remove it; VerbFailure when it fails."""
    name = job["metadata"]["name"]
    await scope.kubectl.run("create", *scope.where, "-f", "-", stdin=json.dumps(job))
    try:
        done = await wait_for_job(scope, name, timeout=timeout)
        log = await scope.kubectl.run("logs", f"job/{name}", *scope.where)
    finally:
        await scope.kubectl.run("delete", "job", name, *scope.where, "--wait=false")
    if not done:
        raise VerbFailure(log.strip() or f"{name} failed and said nothing")
    return log


async def wait_for_job(scope: Scope, name: str, *, timeout: float, tells: bool = False) -> bool:
    """Wait for the end of a Job; whether it went well. `tells` prints what its pod is doing."""
    began, told = time.monotonic(), ""
    while True:
        job = await scope.kubectl.get("job", name, *scope.where)
        conditions = (job.get("status") or {}).get("conditions") or ()
        ended = {one["type"] for one in conditions if one["status"] == "True"}
        if ended & {"Complete", "Failed"}:
            return "Complete" in ended
        elapsed = time.monotonic() - began
        story = await _read_story(scope, name) if tells else ""
        if story and story != told:
            told = story
            console.print(f"{elapsed:5.0f} s  {story}", markup=False)
        if elapsed > timeout:
            raise VerbFailure(
                f"{name} has not ended after {timeout:.0f} s",
                cure=f"kubectl {scope.flags} describe job {name}",
            )
        await asyncio.sleep(POLL_SECONDS)


async def _read_story(scope: Scope, name: str) -> str:
    found = await scope.kubectl.get("pods", *scope.where, "-l", f"job-name={name}")
    return describe_pod(found["items"][-1]) if found["items"] else "waiting for a pod"


def describe_pod(pod: Mapping[str, Any]) -> str:
    """Return which container of a pod runs, or what it waits for."""
    status = pod.get("status") or {}
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            state = container.get("state") or {}
            if "running" in state:
                return f"{container['name']} runs"
            reason = (state.get("waiting") or {}).get("reason", "")
            if reason and reason != "PodInitializing":
                return f"{container['name']}: {reason}"
    return str(status.get("phase", "Pending")).lower()
