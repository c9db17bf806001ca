"""`kubectl sup start`: wake an instance that was stopped."""

from supmessenger_cli.options import Context, Name, Namespace, Timeout
from supmessenger_cli.progress import wait_for
from supmessenger_cli.scope import KIND, open_scope
from supmessenger_cli.terminal import console, run_verb
from supmessenger_cli.verbs.stop import HIBERNATE, refuse_paused

EXAMPLES = "Example: kubectl sup start demo -n chat"


def start(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    timeout: Timeout = 600,
) -> None:
    """Start a stopped instance: the data tier first, then what needs it; waits until Ready."""
    run_verb(_start(context, namespace, name, timeout))


async def _start(
    context: str | None, namespace: str | None, name: str | None, timeout: float
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    refuse_paused(await scope.resource(), scope)
    await scope.kubectl.run("annotate", KIND, scope.name, *scope.where, f"{HIBERNATE}-")
    await wait_for(
        scope,
        lambda health: health.is_ready and "Hibernated" not in health.conditions,
        goal="Ready",
        timeout=timeout,
    )
    console.print(f"{scope.name} runs")
    return 0
