"""`kubectl sup logs`: the logs of an instance's pods in one stream."""

import asyncio
from typing import Annotated, Any

import typer

from supmessenger_cli.components import choose_component
from supmessenger_cli.health import parse_health
from supmessenger_cli.lines import read_lines
from supmessenger_cli.loki import find_lines
from supmessenger_cli.options import Context, Namespace
from supmessenger_cli.scope import COMPONENT_LABEL, Scope, open_scope
from supmessenger_cli.target import ClusterError
from supmessenger_cli.terminal import VerbFailure, errors, run_verb

EXAMPLES = (
    "Examples: kubectl sup logs demo -n chat · kubectl sup logs demo api -f -n chat · "
    "kubectl sup logs demo --request-id 0199… --since 1h -n chat"
)
MOST_STREAMS = 100


def logs(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")],
    component: Annotated[
        str | None, typer.Argument(help="Component; all of them unless named.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    tail: Annotated[int, typer.Option(help="Last lines of each container; -1: all.")] = 100,
    since: Annotated[str, typer.Option(help="Only newer ones, such as 10m or 2h.")] = "",
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the containers before the last restart.")
    ] = False,
    request_id: Annotated[
        str, typer.Option(help="Only lines of this request; from Loki when the instance has it.")
    ] = "",
    wait: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds for which Loki is asked again for a new request's lines."
        ),
    ] = 15,
) -> None:
    """Show the logs of all pods, or of one component's, each line with its pod, by time."""
    flags = [f"--tail={tail}", *([f"--since={since}"] if since else [])]
    if request_id and tail == 100:  # a search looks at everything that is there
        flags[0] = "--tail=-1"
    if previous:
        flags.append("--previous")
    run_verb(
        _logs(
            context,
            namespace,
            name,
            component,
            flags,
            follow=follow,
            request_id=request_id,
            wait=wait,
        ),
        ends_by_interrupt=follow,
    )


async def _logs(
    context: str | None,
    namespace: str | None,
    name: str,
    word: str | None,
    flags: list[str],
    *,
    follow: bool,
    request_id: str,
    wait: float,
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    resource = await scope.resource()
    if request_id and not follow and parse_health(resource).is_true("LokiReady"):
        for line in await find_lines(scope, request_id, since=_find_since(flags), wait=wait):
            print(line.pod, line.text)
        return 0
    pods = await scope.list("pods")
    if word is not None:
        known = {pod["metadata"]["labels"][COMPONENT_LABEL] for pod in pods}
        wanted = choose_component(word, known)
        pods = [pod for pod in pods if pod["metadata"]["labels"][COMPONENT_LABEL] == wanted]
    if not pods:
        raise VerbFailure(
            f"{name} has no pods", cure=f"kubectl sup status {name} {scope.flags} says why"
        )
    if follow:
        return await _follow(scope, word and wanted, flags, request_id=request_id)
    return await _show(scope, pods, flags, request_id=request_id)


def _find_since(flags: list[str]) -> str:
    return next((flag.partition("=")[2] for flag in flags if flag.startswith("--since=")), "1h")


async def _show(
    scope: Scope, pods: list[dict[str, Any]], flags: list[str], *, request_id: str
) -> int:
    names = [
        (pod["metadata"]["name"], container["name"])
        for pod in pods
        for container in pod["spec"]["containers"]
    ]
    texts = await asyncio.gather(*(_read(scope, *one, flags=flags) for one in names))
    lines = [
        (line, pod)
        for (pod, _), text in zip(names, texts, strict=True)
        for line in text.split("\n")
    ]
    for line in merge_lines(lines, wanted=request_id):
        print(line)
    return 0


async def _read(scope: Scope, pod: str, container: str, *, flags: list[str]) -> str:
    try:
        return await scope.kubectl.run(
            *("logs", pod, "-c", container, *scope.where, "--timestamps", *flags), timeout=60
        )
    except ClusterError as error:
        # A container that has not started, or never crashed, has no such log; others do.
        errors.print(f"{pod}: {error}", style="yellow", markup=False)
        return ""


def merge_lines(lines: list[tuple[str, str]], *, wanted: str = "") -> list[str]:
    """Return the texts of (`TIME TEXT`, pod), oldest first, each with its pod."""
    parsed = []
    for line, pod in lines:
        moment, space, text = line.partition(" ")
        if space and (not wanted or wanted in text):
            parsed.append((moment, f"{pod} {text}"))
    # Times are RFC 3339 in UTC; what differs in length differs only in trailing zeros.
    return [text for _, text in sorted(parsed, key=lambda one: one[0].removesuffix("Z"))]


async def _follow(scope: Scope, component: str | None, flags: list[str], *, request_id: str) -> int:
    selector = scope.select(component) if component else scope.selector
    process = await scope.kubectl.start(
        *("logs", "-f", "-l", selector, *scope.where, "--prefix", "--all-containers"),
        *(f"--max-log-requests={MOST_STREAMS}", *flags),
        stderr=None,
    )
    try:
        assert process.stdout is not None
        async for text in read_lines(process.stdout):
            if not request_id or request_id in text:
                print(text, flush=True)
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
