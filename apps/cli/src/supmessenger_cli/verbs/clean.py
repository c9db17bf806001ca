"""`kubectl sup clean`: delete an instance; its data only when that is asked for."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from supmessenger_cli.options import Context, Namespace, Timeout, Yes
from supmessenger_cli.progress import POLL_SECONDS
from supmessenger_cli.scope import KIND, Scope, open_scope
from supmessenger_cli.terminal import VerbFailure, confirm_name, console, run_verb

EXAMPLES = (
    "Examples: kubectl sup clean demo -n chat · kubectl sup clean demo -n chat --data · "
    "kubectl sup clean demo -n chat --data --dry-run"
)
# In the order in which they go: what holds data last.
DATA_KINDS = "configmaps,secrets,persistentvolumeclaims"


def clean(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")],
    namespace: Namespace = None,
    context: Context = None,
    data: Annotated[
        bool, typer.Option("--data", help="Delete volumes, backups and Secrets, too: for good.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be deleted.")
    ] = False,
    yes: Yes = False,
    timeout: Timeout = 300,
) -> None:
    """Delete an instance. Volumes and Secrets stay for one of the same name, unless --data."""
    run_verb(_clean(context, namespace, name, data=data, dry=dry_run, yes=yes, timeout=timeout))


async def _clean(
    context: str | None,
    namespace: str | None,
    name: str,
    *,
    data: bool,
    dry: bool,
    yes: bool,
    timeout: float,
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    resource = await scope.kubectl.find(KIND, name, *scope.where)
    held = await scope.list(DATA_KINDS)
    if resource is None and not (data and held):
        raise VerbFailure(
            f"there is no SupMessenger {name} in namespace {scope.namespace}",
            cure="kubectl get sup -A shows those there are"
            + (f"; its data is still there, --data deletes it: {len(held)} objects" * bool(held)),
        )
    policy = (resource or {}).get("spec", {}).get("deletionPolicy", "Retain")
    for line in build_announcement(name, held, data=data, policy=policy):
        console.print(line, markup=False)
    if dry:
        return 0
    confirm_name("", name=name, yes=yes)
    await scope.kubectl.run("delete", KIND, name, *scope.where, "--ignore-not-found", timeout=60)
    await _wait_until_gone(scope, timeout=timeout)
    if data:
        where = (*scope.where, "--ignore-not-found")
        await scope.kubectl.run("delete", DATA_KINDS, "-l", scope.selector, *where, timeout=timeout)
    console.print(f"{name} is deleted" + (" with its data" if data else "; its data is kept"))
    return 0


def build_announcement(
    name: str, held: Sequence[dict[str, Any]], *, data: bool, policy: str
) -> list[str]:
    """Return what will be deleted and what stays, as a person should read it before."""
    lines = [f"the SupMessenger {name}, its pods and Services go"]
    goes = data or policy == "Delete"
    if not goes:
        kept = sum(item["kind"] == "PersistentVolumeClaim" for item in held)
        lines.append(f"{kept} volumes and its Secrets stay for an instance of the same name")
        return lines
    why = "" if data else " (its deletionPolicy is Delete)"
    lines.append(f"and for good{why}:")
    return [*lines, *(f"  {describe(item)}" for item in held)]


def describe(item: dict[str, Any]) -> str:
    """Return one object as a person knows it, a volume with its size."""
    kind, name = item["kind"], item["metadata"]["name"]
    if kind != "PersistentVolumeClaim":
        return f"{kind} {name}"
    status = item.get("status") or {}
    size = (status.get("capacity") or item["spec"]["resources"]["requests"])["storage"]
    return f"volume {name} ({size})"


async def _wait_until_gone(scope: Scope, *, timeout: float) -> None:
    began = time.monotonic()
    while True:
        left = [pod["metadata"]["name"] for pod in await scope.list("pods")]
        if not left and await scope.kubectl.find(KIND, scope.name, *scope.where) is None:
            return
        if time.monotonic() - began > timeout:
            raise VerbFailure(
                f"still there after {timeout:.0f} s: {', '.join(left) or scope.name}",
                cure=f"kubectl {scope.flags} get pods,sup; the same command goes on from here",
            )
        await asyncio.sleep(POLL_SECONDS)
