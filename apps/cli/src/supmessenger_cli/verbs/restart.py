"""`kubectl sup restart`: replace pods, one wave after the other, without losing a service."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from supmessenger_cli.components import choose_component
from supmessenger_cli.health import parse_health
from supmessenger_cli.options import Context, Namespace, Timeout
from supmessenger_cli.progress import POLL_SECONDS, ask_patiently, wait_for
from supmessenger_cli.scope import COMPONENT_LABEL, KIND, MANAGER, Scope, open_scope
from supmessenger_cli.terminal import VerbFailure, console, run_verb
from supmessenger_cli.verbs.stop import refuse_paused

EXAMPLES = (
    "Examples: kubectl sup restart demo -n chat · kubectl sup restart demo api websocket -n chat"
)
RESTART_AT = "supmessenger.io/restart-at"
RESTARTED_AT = "supmessenger.io/restarted-at"


def restart(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")],
    components: Annotated[
        list[str] | None, typer.Argument(help="Components; all of them unless named.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 600,
) -> None:
    """Restart all pods, or those of some components, in the order of a rollout."""
    run_verb(_restart(context, namespace, name, components or [], timeout))


async def _restart(
    context: str | None, namespace: str | None, name: str, words: list[str], timeout: float
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    refuse_paused(await scope.resource(), scope)
    workloads = await scope.list("deployments,statefulsets")
    known = {item["metadata"]["labels"][COMPONENT_LABEL] for item in workloads}
    wanted = [choose_component(word, known) for word in words]
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = [f"{RESTART_AT}-{component}" for component in wanted] or [RESTART_AT]
    await scope.kubectl.run(
        *("annotate", KIND, scope.name, *scope.where, "--overwrite", MANAGER),
        *(f"{key}={moment}" for key in keys),
    )
    await _wait_until_restarted(scope, wanted or sorted(known), moment=moment, timeout=timeout)
    console.print(f"restarted: {', '.join(wanted) or 'everything'}")
    return 0


async def _wait_until_restarted(
    scope: Scope, components: list[str], *, moment: str, timeout: float
) -> None:
    """Tell each component whose pods are new; then wait for Ready, which a live check gives."""
    began, left = time.monotonic(), set(components)
    while left:
        workloads = await ask_patiently(lambda: scope.list("deployments,statefulsets"), scope=scope)
        done = {read_component(item) for item in workloads if is_restarted(item, moment)} & left
        for component in sorted(done):
            console.print(f"{time.monotonic() - began:5.0f} s  {component} has new pods")
        left -= done
        health = parse_health(await ask_patiently(scope.resource, scope=scope))
        if left and health.stalled:
            raise VerbFailure(f"{scope.name} is stalled", cure=health.stalled)
        if left and time.monotonic() - began > timeout:
            raise VerbFailure(
                f"{', '.join(sorted(left))}: no new pods after {timeout:.0f} s",
                cure=f"kubectl sup status {scope.name} {scope.flags}",
            )
        await asyncio.sleep(POLL_SECONDS if left else 0)
    await wait_for(scope, lambda health: health.is_ready, goal="Ready", timeout=timeout)


def is_restarted(workload: Mapping[str, Any], moment: str) -> bool:
    """Whether all pods of a workload come from a template that carries the moment."""
    annotations = workload["spec"]["template"]["metadata"].get("annotations") or {}
    if moment not in annotations.get(RESTARTED_AT, "").split():
        return False
    status, wanted = workload.get("status") or {}, workload["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("readyReplicas", 0) >= wanted
        and status.get("replicas", 0) <= wanted
    )


def read_component(workload: Mapping[str, Any]) -> str:
    """Return the component that a workload runs."""
    return str(workload["metadata"]["labels"][COMPONENT_LABEL])
