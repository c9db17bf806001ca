"""Flux and Argo CD on the node, where an instance's pods are real ones.

The operator is the one that `make up` installed, so only the instance is theirs: in a namespace of
its own, without the parts that can be missing.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from support import argocd, flux
from support.argocd import Application, configure_argocd, run_argocd
from support.control_plane import ROOT
from support.flux import FluxObject, run_flux
from support.git_server import GitRepository
from support.gitops_cluster import find_definitions
from support.gitops_scene import Place, serve_samples
from support.gitops_stage import Stage

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(900)]

# Beside what the samples say: the parts that this node need not run twice.
SMALL = {"livekit": {"enabled": False}, "monitoring": {"enabled": False}}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """The node with the definitions of both tools, which go again afterwards."""
    asked = [sys.executable, str(ROOT / "hack/node"), "kubeconfig"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    node, definitions = Stage(Path(told)), str(find_definitions())
    node.kubectl("apply", "--server-side", "-f", definitions)
    try:
        wait = ("wait", "--for=condition=Established", "--timeout=60s", "--recursive=false")
        node.kubectl(*wait, "-f", definitions)
        yield node
    finally:
        node.kubectl("delete", "--ignore-not-found", "--timeout=80s", "-f", definitions)


@contextmanager
def provide_namespaces(stage: Stage, own: str, *, made: str) -> Iterator[None]:
    """Make a tool's namespace; afterwards remove it, and the one that the tool made."""
    stage.kubectl("create", "namespace", own)
    try:
        yield
    finally:
        # A test that failed may leave resources whose finalizers nobody heeds any more.
        for kind in ("kustomizations", "gitrepositories", "applications"):
            listed = stage.kubectl("get", kind, "-n", own, "--output=name").split()
            free = ("--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
            for name in listed:
                stage.kubectl("patch", name, "-n", own, *free)
        gone = ("delete", "namespace", own, made, "--ignore-not-found", "--timeout=80s")
        stage.kubectl(*gone)


def shrink_instance(repository: GitRepository, namespace: str) -> None:
    """Commit the instance in this namespace, without the parts that can be missing."""
    folder = "manifests/gitops/instance"
    messenger = repository.work / folder / "messenger.yaml"
    body = yaml.safe_load(messenger.read_text())
    body["metadata"]["namespace"] = namespace
    body["spec"] |= SMALL | {"domain": f"{namespace}.example.org"}
    messenger.write_text(yaml.safe_dump(body))
    repository.replace(f"{folder}/namespace.yaml", "name: chat", f"name: {namespace}")
    repository.publish("small, and in a namespace of its own")


def test_flux_waits_for_real_pods_and_prunes_them(stage: Stage, tmp_path: Path) -> None:
    place = Place(stage, "gitops-flux")
    chat = FluxObject(stage, "kustomization", "sup-chat")
    sample = flux.load_sample("sup-chat")
    sample["spec"]["healthChecks"][0]["namespace"] = place.namespace
    # The operator is there already; and deleting is to be seen.
    del sample["spec"]["dependsOn"]
    sample["spec"]["prune"] = True

    def is_chat_ready() -> bool:
        return place.confirm(chat.is_ready())

    with (
        provide_namespaces(stage, flux.NAMESPACE, made=place.namespace),
        serve_samples(tmp_path / "git") as repository,
        run_flux(stage.kubeconfig, folder=tmp_path / "flux"),
    ):
        shrink_instance(repository, place.namespace)
        stage.apply_sample(flux.SAMPLES / "source.yaml", url=repository.url, changes={})
        stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
        stage.wait(place.messenger, seconds=60, what="the instance to be made")
        assert not chat.is_ready()
        stage.wait(is_chat_ready, seconds=420, what="Flux to call it Ready")

        for _ in range(3):
            chat.reconcile()
            assert is_chat_ready()
        assert place.messenger()["metadata"]["generation"] == 1

        delete = ("delete", "kustomization", "sup-chat", "-n", flux.NAMESPACE)
        stage.kubectl(*delete, "--timeout=60s")
        wait_until_gone(place)


def test_argo_cd_follows_real_pods_into_sleep_and_back(stage: Stage, tmp_path: Path) -> None:
    place = Place(stage, "gitops-argocd")
    chat, definitions = Application(stage, "chat"), find_definitions()
    sample = argocd.load_sample("messenger.yaml")
    sample["spec"]["destination"]["namespace"] = place.namespace
    sample["spec"]["source"]["helm"]["valuesObject"] |= SMALL | {
        "domain": f"{place.namespace}.example.org"
    }
    sample["metadata"]["finalizers"] = [argocd.FINALIZER]

    def is_chat_well() -> bool:
        return place.confirm(chat.is_well())

    with (
        provide_namespaces(stage, argocd.NAMESPACE, made=place.namespace),
        serve_samples(tmp_path / "git") as repository,
    ):
        configure_argocd(stage, definitions)
        with run_argocd(stage.kubeconfig, definitions=definitions, folder=tmp_path / "argocd"):
            sample["spec"]["source"]["repoURL"] = repository.url
            stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
            chat.expect("Progressing", seconds=180)
            stage.wait(is_chat_well, seconds=420, what="Argo CD to call it Healthy")

            for _ in range(3):
                chat.refresh()
                assert is_chat_well()
            place.annotate("supmessenger.io/hibernate=true")
            chat.expect("Suspended", seconds=180)
            place.annotate("supmessenger.io/hibernate-")
            chat.expect("Progressing", seconds=180)
            stage.wait(is_chat_well, seconds=300, what="Healthy again")
            assert place.messenger()["metadata"]["generation"] == 1

            chat.delete()
            wait_until_gone(place)


def wait_until_gone(place: Place) -> None:
    """Wait until the instance is pruned, and its pods with it."""
    place.stage.wait(lambda: not place.messenger(), seconds=60, what="the instance to be pruned")
    place.stage.wait(place.has_no_pods, seconds=120, what="its pods to be gone")
