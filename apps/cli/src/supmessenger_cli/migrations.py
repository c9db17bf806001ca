"""What the database says about its schema, and the pod that is asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from supmessenger_cli.jobs import build_job, build_name, run_job
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import ClusterError
from supmessenger_cli.terminal import VerbFailure

JOB_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class MigrationState:
    """One migration as files and database agree on it, or not."""

    name: str
    state: str
    applied_at: str


async def gather_states(scope: Scope) -> tuple[MigrationState, ...]:
    """Ask the database by an api pod, or by a Job when there is none."""
    pods = await scope.list("pods", selector=scope.select("api"))
    running = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    if running:
        pod = running[0]["metadata"]["name"]
        command = ("sup-migrate", "--wait", "10", "status", "--json")
        try:
            return parse_states(
                await scope.kubectl.run(
                    *("exec", pod, "-c", "api", *scope.where, "--", *command), timeout=30
                )
            )
        except ClusterError as error:
            raise VerbFailure(
                f"the database did not answer: {error}",
                cure=f"kubectl sup doctor {scope.name} {scope.flags}",
            ) from error
    source = await find_job(scope)
    command_line = ["sup-migrate", "status", "--json"]
    job = build_job(source, name=build_name(scope, "migrate"), command=command_line)
    return parse_states(await run_job(scope, job, timeout=JOB_SECONDS))


async def find_job(scope: Scope) -> dict[str, Any]:
    """Return the newest migration Job that the operator has made."""
    selector = f"{scope.select('migrations')},app.kubernetes.io/managed-by=sup-operator"
    jobs = await scope.list("jobs", selector=selector)
    if not jobs:
        raise VerbFailure(
            f"{scope.name} has not come to its migrations yet",
            cure=f"kubectl sup status {scope.name} {scope.flags}",
        )
    return max(jobs, key=lambda job: job["metadata"]["creationTimestamp"])


def parse_states(text: str) -> tuple[MigrationState, ...]:
    """Read what `sup-migrate status --json` prints, whatever is said before it."""
    listed = json.loads(text.strip().splitlines()[-1])
    return tuple(
        MigrationState(
            name=item["name"], state=item["state"], applied_at=(item["appliedAt"] or "")[:19]
        )
        for item in listed
    )


def find_last_applied(states: Sequence[MigrationState]) -> str:
    """Return the newest migration that is applied, or nothing."""
    applied = [item.name for item in states if item.state == "applied"]
    return applied[-1] if applied else ""
