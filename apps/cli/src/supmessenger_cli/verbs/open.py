"""`kubectl sup open`: a backing service's page on this machine, until Ctrl-C."""

from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer

from supmessenger_cli.forward import forward_port
from supmessenger_cli.health import Health, parse_health
from supmessenger_cli.options import Context, Namespace
from supmessenger_cli.scope import Scope, open_scope
from supmessenger_cli.terminal import VerbFailure, WrongUse, console, run_verb

EXAMPLES = "Examples: kubectl sup open grafana demo -n chat · kubectl sup open rabbitmq -n chat"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: the component, its port, and which keys of which Secret let a person in."""

    component: str
    port: int
    path: str = "/"
    secret: str = ""
    user_key: str = ""
    password_key: str = ""
    field: str


PAGES = {
    "grafana": Page(
        component="grafana",
        port=3002,
        secret="grafana",  # noqa: S106 - the name of a Secret
        user_key="username",
        password_key="password",  # noqa: S106 - the name of a key
        field="spec.monitoring.grafana",
    ),
    "prometheus": Page(component="prometheus", port=9090, field="spec.monitoring.prometheus"),
    "loki": Page(component="loki", port=3100, path="/metrics", field="spec.monitoring.logs"),
    "rabbitmq": Page(
        component="rabbitmq",
        port=15672,
        secret="rabbitmq-admin",  # noqa: S106 - the name of a Secret
        user_key="username",
        password_key="password",  # noqa: S106 - the name of a key
        field="spec.rabbitmq.embedded",
    ),
    "minio": Page(
        component="object-storage",
        port=9001,
        secret="object-storage-root",  # noqa: S106 - the name of a Secret
        user_key="access-key-id",
        password_key="secret-access-key",  # noqa: S106 - the name of a key
        field="spec.objectStorage.embedded",
    ),
}


def open_page(
    page: Annotated[str, typer.Argument(help=f"One of {', '.join(PAGES)}.")],
    name: Annotated[
        str | None, typer.Argument(help="Name of the SupMessenger, unless there is only one.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Local port; default: the same, or a free one.")
    ] = 0,
) -> None:
    """Open a backing service's page through a port-forward that ends with Ctrl-C."""
    run_verb(_open(context, namespace, name, page, port), ends_by_interrupt=True)


async def _open(
    context: str | None, namespace: str | None, name: str | None, word: str, port: int
) -> NoReturn:
    if word not in PAGES:
        raise WrongUse(f"{word!r} has no page; there are {', '.join(PAGES)}")
    page = PAGES[word]
    scope = await open_scope(context=context, namespace=namespace, name=name)
    service = f"{scope.name}-{page.component}"
    if await scope.kubectl.find("service", service, *scope.where) is None:
        raise VerbFailure(
            f"{scope.name} has no {page.component} of its own",
            cure=build_cure(scope, page, parse_health(await scope.resource())),
        )
    async with forward_port(scope, service, remote=page.port, local=port) as forward:
        console.print(f"{word}: http://127.0.0.1:{forward.port}{page.path}")
        for line in build_credentials(scope, page):
            console.print(line, markup=False)
        console.print("Ctrl-C ends it")
        await forward.wait()
        port = forward.port
    # kubectl ends with the first connection that is reset, though the pod goes on.
    while True:
        async with forward_port(scope, service, remote=page.port, local=port) as forward:
            console.print("the port-forward was lost and is open again")
            await forward.wait()


def build_cure(scope: Scope, page: Page, health: Health) -> str:
    """Return what the status says of a part that can't be had, or the field that switches it on."""
    for part in health.parts:
        if part.name == page.component and part.mode == "unavailable":
            return part.message
    return (
        f"switch it on with {page.field}, or ask where it runs:"
        f" kubectl sup status {scope.name} {scope.flags}"
    )


def build_credentials(scope: Scope, page: Page) -> list[str]:
    """Return how to get user and password; never the values."""
    if not page.secret:
        return ["no login: the port-forward itself is the guard"]
    get = f"kubectl {scope.flags} get secret {scope.name}-{page.secret} -o go-template="
    return [
        f"user:      {get}'{{{{index .data \"{page.user_key}\" | base64decode}}}}'",
        f"password:  {get}'{{{{index .data \"{page.password_key}\" | base64decode}}}}'",
    ]
