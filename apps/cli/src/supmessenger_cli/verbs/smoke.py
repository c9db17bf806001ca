"""`kubectl sup smoke`: hold a whole conversation through the edge."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from supmessenger_cli.client import Refused
from supmessenger_cli.conversation import (
    Person,
    SinkMailbox,
    SmokeFailure,
    Step,
    Story,
    hold_conversation,
)
from supmessenger_cli.options import Context, Name, Namespace
from supmessenger_cli.scope import Scope, open_scope
from supmessenger_cli.smoke import check_parts
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.target import gather_target
from supmessenger_cli.terminal import VerbFailure, console, run_verb

EXAMPLES = (
    "Examples: kubectl sup smoke demo -n chat"
    " · kubectl sup smoke demo -n chat --address 127.0.0.1:8443"
)


def smoke(
    name: Name = None,
    namespace: Namespace = None,
    context: Context = None,
    sink: Annotated[
        str, typer.Option(help="Service of the SMTP sink, asked if SMTP is on.")
    ] = "smtp-sink",
    address: Annotated[
        str, typer.Option(help="host:port of a port-forward to the edge; default: its Service's.")
    ] = "",
) -> None:
    """Hold a whole conversation between two new accounts, through the edge, as clients do."""
    run_verb(_smoke(context, namespace, name, sink=sink, reached_at=address))


async def _smoke(
    context: str | None, namespace: str | None, name: str | None, *, sink: str, reached_at: str
) -> int:
    scope = await open_scope(context=context, namespace=namespace, name=name)
    try:
        return await _converse(scope, sink=sink, reached_at=reached_at)
    except (SmokeFailure, Refused) as error:
        raise VerbFailure(
            f"smoke failed: {error}", cure=f"kubectl sup status {scope.name} {scope.flags}"
        ) from error


async def _converse(scope: Scope, *, sink: str, reached_at: str) -> int:
    resource = await scope.resource()
    target = await gather_target(
        scope.kubectl, namespace=scope.namespace, name=scope.name, reached_at=reached_at
    )
    console.print(f"smoke: {target.domain} at {target.address}:{target.port}")
    service = choose_sink(resource, asked=sink)
    mailbox = (
        SinkMailbox(kubectl=scope.kubectl, namespace=scope.namespace, service=service)
        if service
        else None
    )

    async def show_parts(story: Story, alice: Person, bob: Person, chat: str) -> None:
        stage = Stage(
            kubectl=scope.kubectl,
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
    return 0


def choose_sink(resource: Mapping[str, Any], *, asked: str) -> str:
    """Return the Service whose mails are read; without SMTP accounts are active at once."""
    return asked if resource["spec"].get("smtp") else ""


def _report(step: Step) -> None:
    console.print(f"  ok  {step.seconds:6.2f} s  {step.title}")
