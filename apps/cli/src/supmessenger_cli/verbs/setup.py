"""`kubectl sup setup`: is the cluster ready, install what it lacks, write a first resource."""

import asyncio
import importlib.metadata
import json
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from supmessenger_cli.checkout import find_checkout
from supmessenger_cli.doctor import cluster
from supmessenger_cli.doctor.finding import Finding, State, build_document
from supmessenger_cli.manifest import HEADER, SIZES, Wish, build_manifest, build_namespace
from supmessenger_cli.options import Context, Format, Namespace, Output
from supmessenger_cli.report import print_findings
from supmessenger_cli.scope import KIND, gather_namespace
from supmessenger_cli.target import ClusterError, Kubectl
from supmessenger_cli.terminal import WrongUse, console, errors, print_document, run_verb

EXAMPLES = (
    "Examples: kubectl sup setup · kubectl sup setup --install · "
    "kubectl sup setup --create-namespace -n chat · "
    "kubectl sup setup -n chat --domain chat.example.org > demo.yaml"
)
OPERATOR_LABEL = "app.kubernetes.io/name=sup-operator"
OPERATOR_NAMESPACE = "sup-system"
TO_INSTALL = {
    "create customresourcedefinitions": ("create", "customresourcedefinitions"),
    "create clusterroles": ("create", "clusterroles"),
    "create namespaces": ("create", "namespaces"),
}
TO_USE = {
    "create supmessengers": ("create", KIND),
    "patch supmessengers": ("patch", KIND),
    "read secrets": ("get", "secrets"),
    "read pods' logs": ("get", "pods/log"),
    "forward ports": ("create", "pods/portforward"),
}


def setup(
    namespace: Namespace = None,
    context: Context = None,
    output: Output = Format.TABLE,
    install: Annotated[bool, typer.Option("--install", help="Install CRDs and operator.")] = False,
    manifest: Annotated[
        str, typer.Option(help="With --install: file or URL; default: manifests/install.yaml.")
    ] = "",
    chart: Annotated[
        str, typer.Option(help="With --install: a chart for helm, instead of the manifest.")
    ] = "",
    values: Annotated[str, typer.Option(help="With --chart: a file of values.")] = "",
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="Make the namespace, restricted.")
    ] = False,
    domain: Annotated[
        str, typer.Option(help="Print a SupMessenger for this domain on standard output.")
    ] = "",
    name: Annotated[str, typer.Option(help="Its name.")] = "demo",
    size: Annotated[str, typer.Option(help=f"Its size: {', '.join(SIZES)}.")] = "small",
    admin_email: Annotated[str, typer.Option(help="Its administrator.")] = "",
    smtp_host: Annotated[str, typer.Option(help="Its mail server.")] = "",
    calls: Annotated[bool, typer.Option(help="With LiveKit and TURN.")] = True,
    monitoring: Annotated[bool, typer.Option(help="With Prometheus, Grafana, Loki.")] = True,
    kafka: Annotated[bool, typer.Option(help="With Kafka.")] = False,
) -> None:
    """Check the cluster and your rights, install the operator, make a namespace and a resource."""
    wish = Wish(
        name=name,
        namespace=namespace or "",
        domain=domain,
        size=size,
        admin_email=admin_email,
        smtp_host=smtp_host,
        calls=calls,
        monitoring=monitoring,
        kafka=kafka,
    )
    steps = _Steps(
        install=install, manifest=manifest, chart=chart, values=values, namespace=create_namespace
    )
    run_verb(_setup(Kubectl(context=context), wish, steps, output))


class _Steps:
    """What to do beyond looking."""

    def __init__(
        self, *, install: bool, manifest: str, chart: str, values: str, namespace: bool
    ) -> None:
        if (manifest or chart) and not install:
            raise WrongUse("--manifest and --chart go with --install")
        self.install, self.manifest, self.chart = install, manifest, chart
        self.values, self.namespace = values, namespace


async def _setup(kubectl: Kubectl, wish: Wish, steps: _Steps, output: Format) -> int:
    namespace = wish.namespace or await gather_namespace(kubectl)
    if steps.install:
        await _install(kubectl, steps)
    if steps.namespace:
        await _make_namespace(kubectl, namespace)
    if wish.domain:  # standard output is for the resource alone
        _print_manifest(wish, namespace)
        return 0
    findings = await _look(kubectl, namespace)
    if output is Format.TABLE:
        print_findings(findings)
    else:
        print_document(build_document(findings), output)
    is_fit = not any(one.state is State.FAIL for one in findings)
    if is_fit and output is Format.TABLE and sys.stdin.isatty() and sys.stdout.isatty():
        _ask(wish, namespace)
    return 0 if is_fit else 1


async def _look(kubectl: Kubectl, namespace: str) -> list[Finding]:
    version, classes, services, crd, found, operators = await asyncio.gather(
        kubectl.run("version", "-o", "json"),
        kubectl.get("storageclasses"),
        _list_services(kubectl),
        kubectl.find("customresourcedefinition", KIND),
        kubectl.find("namespace", namespace),
        kubectl.get("deployments", "-A", "-l", OPERATOR_LABEL),
    )
    release = importlib.metadata.version("supmessenger-cli")
    return [
        cluster.judge_server(json.loads(version)),
        cluster.judge_storage_class(classes["items"]),
        cluster.judge_load_balancer(services),
        cluster.judge_crd(crd),
        cluster.judge_operator(operators["items"], version=release),
        cluster.judge_rights(await _ask_rights(kubectl, TO_INSTALL, ()), needed=True),
        cluster.judge_rights(await _ask_rights(kubectl, TO_USE, ("-n", namespace)), needed=False),
        cluster.judge_namespace(found, name=namespace),
    ]


async def _list_services(kubectl: Kubectl) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = (await kubectl.get("services", "-A"))["items"]
    except ClusterError:  # not everybody may list those of others; then nothing is known
        return []
    return found


async def _ask_rights(
    kubectl: Kubectl, rights: dict[str, tuple[str, str]], where: tuple[str, ...]
) -> dict[str, bool]:
    async def ask(verb: str, resource: str) -> bool:
        try:
            await kubectl.run("auth", "can-i", verb, resource, *where)
        except ClusterError:  # `no` is exit code 1
            return False
        return True

    answers = await asyncio.gather(*(ask(*right) for right in rights.values()))
    return dict(zip(rights, answers, strict=True))


async def _install(kubectl: Kubectl, steps: _Steps) -> None:
    if steps.chart:
        await _install_chart(kubectl, steps)
        return
    source = steps.manifest or str(_find_manifest())
    console.print(f"applying {source}")
    # The CRD is too large for the annotation of a client-side apply.
    flags = ("--server-side", "--force-conflicts", "--field-manager=kubectl-sup")
    print((await kubectl.run("apply", "-f", source, *flags, timeout=120)).rstrip())
    where = ("-n", OPERATOR_NAMESPACE, "--timeout=180s")
    print((await kubectl.run("rollout", "status", "deployment", *where, timeout=200)).rstrip())


async def _install_chart(kubectl: Kubectl, steps: _Steps) -> None:
    helm = shutil.which("helm")
    if helm is None:
        raise WrongUse("helm is not installed; without --chart the manifest is applied instead")
    context = ("--kube-context", kubectl.context) if kubectl.context else ()
    values = ("--values", steps.values) if steps.values else ()
    process = await asyncio.create_subprocess_exec(
        *(helm, "upgrade", "--install", "sup-operator", steps.chart, *context, *values),
        *("--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--wait", "--timeout", "3m"),
    )
    if await process.wait() != 0:
        raise ClusterError("helm failed, see above")


def _find_manifest() -> Path:
    checkout = find_checkout(Path.cwd())
    if checkout is None:
        raise WrongUse("there is no checkout here; name the manifest: --manifest FILE or URL")
    return checkout / "manifests/install.yaml"


async def _make_namespace(kubectl: Kubectl, name: str) -> None:
    body = json.dumps(build_namespace(name))
    flags = ("--server-side", "--force-conflicts", "--field-manager=kubectl-sup")
    await kubectl.run("apply", "-f", "-", *flags, stdin=body)
    errors.print(f"namespace {name} is there, with Pod Security restricted")


def _ask(wish: Wish, namespace: str) -> None:
    """Ask for the few things that a first resource needs."""
    domain = typer.prompt("Domain of a new SupMessenger (empty: none now)", default="")
    if domain:
        size = typer.prompt("Size", default=wish.size)
        asked = Wish(name=wish.name, namespace=namespace, domain=domain, size=size)
        _print_manifest(asked, namespace)


def _print_manifest(wish: Wish, namespace: str) -> None:
    body = build_manifest(Wish(**{**vars(wish), "namespace": namespace}))
    print(HEADER + yaml.safe_dump(body, sort_keys=False), end="")
