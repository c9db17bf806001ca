"""Argo CD's own controller over the samples as they are: only the repository's address differs.

The pods are played on a bare API server; `test_on_the_node.py` has real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from support.argocd import (
    HEALTH,
    NAMESPACE,
    Application,
    configure_argocd,
    load_sample,
    run_argocd,
)
from support.control_plane import ROOT
from support.git_server import GitRepository, serve_git
from support.gitops_cluster import CHAT, PlayedCluster, find_definitions, start_played_cluster
from support.gitops_stage import PARTS, Stage, is_ready

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(600)]

SAMPLES = HEALTH.parent
FINALIZER = "resources-finalizer.argocd.argoproj.io"


@dataclass(frozen=True)
class Scene:
    """The cluster, the repository, and the Applications that the samples make."""

    cluster: PlayedCluster
    repository: GitRepository

    @property
    def stage(self) -> Stage:
        return self.cluster.stage

    @property
    def operator(self) -> Application:
        return Application(self.stage, "sup-operator")

    @property
    def chat(self) -> Application:
        return Application(self.stage, "chat")

    def is_chat_well(self) -> bool:
        """Return whether the instance's Application is Healthy and Synced.

        Asked before the instance: what Argo CD calls Healthy must have been Ready before.
        """
        well = self.chat.is_well()
        ready = not well or self.cluster.is_messenger_ready()
        assert ready, "Argo CD calls Healthy what is not Ready"
        return well


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Argo CD with our health check; nothing is installed yet."""
    folder = tmp_path_factory.mktemp("argocd")
    definitions = find_definitions()
    with (
        start_played_cluster(
            folder / "plane", definitions=definitions, namespace=NAMESPACE
        ) as cluster,
        serve_git(folder / "git", source=ROOT, parts=PARTS) as repository,
    ):
        configure_argocd(cluster.stage, definitions)
        processes = run_argocd(
            cluster.plane.kubeconfig, definitions=definitions, folder=folder / "argocd"
        )
        with processes:
            yield Scene(cluster, repository)


def test_the_operator_and_the_instance_are_healthy_when_they_are_ready(scene: Scene) -> None:
    stage, cluster = scene.stage, scene.cluster
    for sample in ("operator.yaml", "messenger.yaml"):
        stage.apply_sample(SAMPLES / sample, url=scene.repository.url, changes={})

    stage.wait(scene.operator.is_synced, seconds=180, what="the operator's first sync")
    # Looked at again, as else it is within minutes: its pods are played faster than real ones come.
    scene.operator.refresh()
    stage.wait(scene.operator.is_well, seconds=60, what="the operator's Application")
    stage.wait(cluster.messenger, seconds=120, what="the instance to be made")

    # Nobody has looked at it yet, and Argo CD does not take it for finished.
    assert cluster.messenger()["status"] == {"observedGeneration": -1}
    stage.wait(
        lambda: scene.chat.verdict() == ("Progressing", "Synced"), seconds=60, what="Progressing"
    )

    def is_on_its_way() -> bool:
        return scene.chat.verdict() == ("Progressing", "Synced")

    cluster.rolls_out = False
    cluster.start_operator()
    stage.watch(is_on_its_way, seconds=8, what="an instance without pods is Progressing")

    cluster.rolls_out = True
    stage.wait(scene.is_chat_well, seconds=120, what="the instance's Application")


def test_it_stays_in_sync_and_the_operators_own_writes_are_no_drift(scene: Scene) -> None:
    before, synced = scene.cluster.messenger(), scene.chat.operation()["finishedAt"]
    for _ in range(4):
        scene.chat.refresh()
        assert scene.chat.is_well()
    scene.stage.watch(scene.chat.is_well, seconds=8, what="Healthy and Synced")

    after = scene.cluster.messenger()
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    assert after["spec"] == before["spec"]
    # Had it seen a difference, it would have synced again by itself.
    assert scene.chat.operation()["finishedAt"] == synced


def test_a_part_that_goes_down_is_degraded_and_no_drift(scene: Scene) -> None:
    scene.cluster.checker.failing["postgres"] = "password authentication failed"
    scene.stage.wait(
        lambda: scene.chat.verdict() == ("Degraded", "Synced"), seconds=60, what="Degraded"
    )
    scene.cluster.checker.failing.clear()
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_an_edit_is_rolled_out_and_is_progressing_meanwhile(scene: Scene) -> None:
    scene.cluster.rolls_out = False
    scene.chat.change_values(api={"replicas": 2})
    scene.stage.wait(
        lambda: scene.chat.verdict() == ("Progressing", "Synced"), seconds=60, what="Progressing"
    )
    assert scene.cluster.messenger()["spec"]["api"] == {"replicas": 2}
    scene.cluster.rolls_out = True
    scene.stage.wait(scene.is_chat_well, seconds=90, what="the edit to be Ready")


def test_an_edit_by_hand_is_taken_back(scene: Scene) -> None:
    patch = ("patch", "supmessenger", "demo", "-n", CHAT, "--type=merge")
    scene.stage.kubectl(*patch, "--patch", '{"spec": {"api": {"replicas": 3}}}')
    scene.stage.wait(
        lambda: scene.cluster.messenger()["spec"]["api"] == {"replicas": 2},
        seconds=60,
        what="the edit to be taken back",
    )
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_an_instance_that_needs_a_person_is_degraded_and_recovers(scene: Scene) -> None:
    scene.chat.change_values(api={"replicas": 2, "podTemplate": {"specc": {}}})
    scene.stage.wait(
        lambda: scene.chat.verdict() == ("Degraded", "Synced"), seconds=60, what="Degraded"
    )
    scene.chat.change_values(api={"replicas": 2, "podTemplate": None})
    scene.stage.wait(scene.is_chat_well, seconds=90, what="Healthy again")


def test_what_the_chart_refuses_never_reaches_the_cluster(scene: Scene) -> None:
    before = scene.cluster.messenger()
    scene.chat.change_values(size="gigantic")
    scene.stage.wait(lambda: scene.chat.verdict()[1] == "Unknown", seconds=60, what="the refusal")
    (told,) = scene.chat.read()["status"]["conditions"]
    assert told["type"] == "ComparisonError"
    assert "/size" in told["message"]
    after = scene.cluster.messenger()
    assert (after["spec"], is_ready(after)) == (before["spec"], True)
    scene.chat.change_values(size="tiny")
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_sleep_is_suspended_and_no_drift(scene: Scene) -> None:
    annotate = ("annotate", "supmessenger", "demo", "-n", CHAT)
    scene.stage.kubectl(*annotate, "supmessenger.io/hibernate=true")
    scene.stage.wait(
        lambda: scene.chat.verdict() == ("Suspended", "Synced"), seconds=60, what="Suspended"
    )
    scene.chat.refresh()
    assert scene.chat.verdict() == ("Suspended", "Synced")
    scene.stage.kubectl(*annotate, "supmessenger.io/hibernate-")
    scene.stage.wait(scene.is_chat_well, seconds=90, what="Healthy again")


def test_deleting_prunes_as_the_samples_say(scene: Scene) -> None:
    """The instance is kept unless it was asked for; the operator goes, its definition stays."""
    stage = scene.stage
    scene.chat.delete()
    assert scene.cluster.is_messenger_ready()

    sample = load_sample("messenger.yaml")
    sample["metadata"]["finalizers"] = [FINALIZER]
    sample["spec"]["source"]["repoURL"] = scene.repository.url
    stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
    stage.wait(scene.is_chat_well, seconds=90, what="the instance to be adopted")
    scene.operator.delete()
    assert not stage.read("deployment", "sup-operator", "sup-system")
    assert scene.cluster.is_messenger_ready()

    scene.chat.delete()
    stage.wait(lambda: not scene.cluster.messenger(), seconds=30, what="the instance to be pruned")
