"""Flux and Argo CD on the node, where an instance's pods are real ones.

The operator is the one that `make up` installed, so only the instance is theirs: in a namespace of
its own, without the parts that can be missing.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import argocd, flux
from support.argocd import Application, configure_argocd, load_sample, run_argocd
from support.control_plane import ROOT
from support.flux import FluxObject, run_flux
from support.git_server import GitRepository, serve_git
from support.gitops_cluster import find_definitions
from support.gitops_stage import PARTS, Stage, is_ready

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(900)]

FLUX_SAMPLES = ROOT / "manifests" / "gitops" / "flux"
# Beside what the samples say: the parts that this node need not run twice.
SMALL = {"livekit": {"enabled": False}, "monitoring": {"enabled": False}}


@dataclass(frozen=True)
class Place:
    """The namespace of one instance on the node."""

    stage: Stage
    namespace: str

    def messenger(self) -> dict[str, Any]:
        """Return the instance; an empty dict when there is none."""
        return self.stage.read("supmessenger", "demo", self.namespace)

    def is_messenger_ready(self) -> bool:
        """Return whether the instance is Ready for its present generation."""
        body = self.messenger()
        return bool(body) and is_ready(body)

    def has_no_pods(self) -> bool:
        """Return whether none of the instance's pods is left."""
        return not self.stage.kubectl("get", "pods", "-n", self.namespace, "--output=name")


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
    samples = yaml.safe_load_all((FLUX_SAMPLES / "kustomizations.yaml").read_text())
    (sample,) = [body for body in samples if body["metadata"]["name"] == "sup-chat"]
    sample["spec"]["healthChecks"][0]["namespace"] = place.namespace
    # The operator is there already; and deleting is to be seen.
    del sample["spec"]["dependsOn"]
    sample["spec"]["prune"] = True

    def is_chat_ready() -> bool:
        ready = chat.is_ready()
        assert not ready or place.is_messenger_ready(), "Flux calls Ready what is not"
        return ready

    with (
        provide_namespaces(stage, flux.NAMESPACE, made=place.namespace),
        serve_git(tmp_path / "git", source=ROOT, parts=PARTS) as repository,
        run_flux(stage.kubeconfig, folder=tmp_path / "flux"),
    ):
        shrink_instance(repository, place.namespace)
        stage.apply_sample(FLUX_SAMPLES / "source.yaml", url=repository.url, changes={})
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
        stage.wait(lambda: not place.messenger(), seconds=60, what="the instance to be pruned")
        stage.wait(place.has_no_pods, seconds=120, what="its pods to be gone")


def test_argo_cd_follows_real_pods_into_sleep_and_back(stage: Stage, tmp_path: Path) -> None:
    place = Place(stage, "gitops-argocd")
    chat, definitions = Application(stage, "chat"), find_definitions()
    sample = load_sample("messenger.yaml")
    sample["spec"]["destination"]["namespace"] = place.namespace
    sample["spec"]["source"]["helm"]["valuesObject"] |= SMALL | {
        "domain": f"{place.namespace}.example.org"
    }
    # Without it, deleting the Application leaves the instance alone.
    sample["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]

    def is_chat_well() -> bool:
        well = chat.is_well()
        assert not well or place.is_messenger_ready(), "Argo CD calls Healthy what is not Ready"
        return well

    with (
        provide_namespaces(stage, argocd.NAMESPACE, made=place.namespace),
        serve_git(tmp_path / "git", source=ROOT, parts=PARTS) as repository,
    ):
        configure_argocd(stage, definitions)
        with run_argocd(stage.kubeconfig, definitions=definitions, folder=tmp_path / "argocd"):
            sample["spec"]["source"]["repoURL"] = repository.url
            stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
            expect(chat, "Progressing")
            stage.wait(is_chat_well, seconds=420, what="Argo CD to call it Healthy")

            for _ in range(3):
                chat.refresh()
                assert is_chat_well()
            annotate = ("annotate", "supmessenger", "demo", "-n", place.namespace)
            stage.kubectl(*annotate, "supmessenger.io/hibernate=true")
            expect(chat, "Suspended")
            stage.kubectl(*annotate, "supmessenger.io/hibernate-")
            expect(chat, "Progressing")
            stage.wait(is_chat_well, seconds=300, what="Healthy again")
            assert place.messenger()["metadata"]["generation"] == 1

            chat.delete()
            stage.wait(lambda: not place.messenger(), seconds=60, what="the instance to be pruned")
            stage.wait(place.has_no_pods, seconds=120, what="its pods to be gone")


def expect(chat: Application, health: str) -> None:
    """Wait until Argo CD says this of an Application that is in sync."""
    chat.stage.wait(lambda: chat.verdict() == (health, "Synced"), seconds=180, what=health)
