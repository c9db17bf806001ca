"""`kubectl sup`: verbs on a running instance. Exit codes: 0 done, 1 it failed, 2 wrong use."""

import asyncio
import time
from typing import Annotated

import httpx
import typer
from rich.console import Console

from supmessenger_cli.client import Refused
from supmessenger_cli.conversation import (
    Person,
    SinkMailbox,
    SmokeFailure,
    Step,
    Story,
    hold_conversation,
)
from supmessenger_cli.smoke import check_parts
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.target import ClusterError, Kubectl, gather_target

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Work with SUP Messenger instances.",
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@app.callback()
def main() -> None:
    """Work with SUP Messenger instances."""


@app.command(
    epilog="Examples: kubectl sup smoke demo -n chat · kubectl sup smoke demo -n chat --no-mail"
)
def smoke(
    name: Annotated[str, typer.Argument(help="Name of the SupMessenger.")] = "demo",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")] = "default",
    context: Annotated[str | None, typer.Option(help="The kubeconfig context to use.")] = None,
    sink: Annotated[str, typer.Option(help="Service of the SMTP sink.")] = "smtp-sink",
    mail: Annotated[bool, typer.Option(help="Expect the verification email in the sink.")] = True,
) -> None:
    """Hold a whole conversation between two new accounts, through the edge, as clients do."""
    try:
        asyncio.run(
            _smoke(Kubectl(context=context), name=name, namespace=namespace, sink=sink, mail=mail)
        )
    except (ClusterError, SmokeFailure, Refused, httpx.HTTPError, OSError) as error:
        errors.print(f"[red]smoke failed:[/red] {error or repr(error)}", soft_wrap=True)
        raise typer.Exit(1) from None


async def _smoke(kubectl: Kubectl, *, name: str, namespace: str, sink: str, mail: bool) -> None:
    target = await gather_target(kubectl, namespace=namespace, name=name)
    console.print(f"smoke: {target.domain} at {target.address}:{target.port}")
    mailbox = SinkMailbox(kubectl=kubectl, namespace=namespace, service=sink) if mail else None
    resource = await kubectl.get("supmessenger", name, "-n", namespace)

    async def show_parts(story: Story, alice: Person, bob: Person, chat: str) -> None:
        stage = Stage(
            kubectl=kubectl,
            target=target,
            resource=resource,
            story=story,
            alice=alice,
            bob=bob,
            chat=chat,
        )
        await check_parts(stage)

    started = time.monotonic()
    steps = await hold_conversation(target, mailbox=mailbox, report=_report, beyond=show_parts)
    console.print(f"smoke: {len(steps)} steps in {time.monotonic() - started:.2f} s")


def _report(step: Step) -> None:
    console.print(f"  ok  {step.seconds:6.2f} s  {step.title}")
