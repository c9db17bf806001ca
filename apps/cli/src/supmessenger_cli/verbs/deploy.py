"""`kubectl sup deploy`: apply a resource and wait until it is Ready."""

import json
from typing import Annotated, Any

import typer

from supmessenger_cli.manifest import SIZES, Wish, build_manifest, build_namespace
from supmessenger_cli.options import Context, Namespace, Timeout
from supmessenger_cli.progress import wait_for
from supmessenger_cli.scope import Scope, gather_namespace
from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import WrongUse, console, run_verb

EXAMPLES = (
    "Examples: kubectl sup deploy -f demo.yaml · "
    "kubectl sup deploy demo -n chat --domain chat.example.org --size tiny --create-namespace"
)


def deploy(
    name: Annotated[str | None, typer.Argument(help="Name, when there is no file.")] = None,
    namespace: Namespace = None,
    context: Context = None,
    file: Annotated[
        str, typer.Option("--filename", "-f", help="File or URL with a SupMessenger; - reads it.")
    ] = "",
    domain: Annotated[str, typer.Option(help="Its domain, when there is no file.")] = "",
    size: Annotated[str, typer.Option(help=f"Its size: {', '.join(SIZES)}.")] = "small",
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="Make the namespace, restricted.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is Ready.")] = True,
    timeout: Timeout = 900,
) -> None:
    """Apply a SupMessenger and follow it, part by part, until it is Ready or a person must act."""
    if bool(file) == bool(name and domain):
        raise WrongUse("give either -f FILE, or a name and --domain")
    wish = Wish(name=name or "", namespace="", domain=domain, size=size) if not file else None
    run_verb(
        _deploy(
            Kubectl(context=context, timeout=60),
            namespace,
            file or wish,
            makes_namespace=create_namespace,
            timeout=timeout if wait else 0,
        )
    )


async def _deploy(
    kubectl: Kubectl,
    namespace: str | None,
    source: str | Wish | None,
    *,
    makes_namespace: bool,
    timeout: float,
) -> int:
    where = namespace or await gather_namespace(kubectl)
    if makes_namespace:
        body = json.dumps(build_namespace(where))
        await kubectl.run("apply", "--server-side", "-f", "-", stdin=body)
    if isinstance(source, Wish):
        made = build_manifest(Wish(**{**vars(source), "namespace": where}))
        text = await kubectl.run("apply", "-f", "-", "-o", "json", stdin=json.dumps(made))
    else:
        flags = ("-n", namespace) if namespace else ()
        text = await kubectl.run("apply", "-f", str(source), "-o", "json", *flags)
    applied = find_messengers(json.loads(text))
    for item in applied:
        metadata = item["metadata"]
        console.print(f"applied {metadata['namespace']}/{metadata['name']}")
        if not timeout:
            continue
        scope = Scope(kubectl=kubectl, namespace=metadata["namespace"], name=metadata["name"])
        health = await wait_for(
            scope, lambda health: health.is_ready, goal="Ready", timeout=timeout
        )
        console.print(f"{scope.name} is Ready: {health.endpoints.get('web', '')}")
    return 0


def find_messengers(applied: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the SupMessengers of what was applied; WrongUse when there is none."""
    items = applied["items"] if applied["kind"] == "List" else [applied]
    found = [item for item in items if item["kind"] == "SupMessenger"]
    if not found:
        raise WrongUse("what was applied holds no SupMessenger")
    return found
