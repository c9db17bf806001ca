"""`kubectl sup stop`: scale an instance to zero, keeping everything it holds."""

from collections.abc import Mapping
from typing import Any

from supmessenger_cli.options import Context, Name, Namespace, Timeout
from supmessenger_cli.progress import wait_for
from supmessenger_cli.scope import KIND, MANAGER, Scope, open_scope
from supmessenger_cli.terminal import VerbFailure, console, run_verb

EXAMPLES = "Example: kubectl sup stop demo -n chat (and back: kubectl sup start demo -n chat)"
HIBERNATE = "supmessenger.io/hibernate"
PAUSED = "supmessenger.io/paused"


def stop(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 300,
) -> None:
    """Stop an instance: no pods, all data, Secrets and addresses kept, no backups meanwhile."""
    run_verb(_stop(context, namespace, name, timeout))


async def _stop(
    context: str | None, namespace: str | None, name: str | None, timeout: float
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    refuse_paused(await scope.resource(), scope)
    await scope.kubectl.run(
        *("annotate", KIND, scope.name, *scope.where, "--overwrite", MANAGER),
        f"{HIBERNATE}=true",
    )
    await wait_for(
        scope, lambda health: health.is_true("Hibernated"), goal="stopped", timeout=timeout
    )
    console.print(f"{scope.name} is stopped; back: kubectl sup start {scope.name} {scope.flags}")
    return 0


def refuse_paused(resource: Mapping[str, Any], scope: Scope) -> None:
    """A paused instance holds every change: waiting for one would be in vain."""
    annotations = resource["metadata"].get("annotations") or {}
    if annotations.get(PAUSED, "false") != "false":
        raise VerbFailure(
            f"{scope.name} is paused, so the operator changes nothing",
            cure=f"kubectl annotate sup {scope.name} {scope.flags} {PAUSED}-",
        )
