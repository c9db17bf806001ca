"""Argo CD's own controller over the samples as they are: only the repository's address differs.

The pods are played on a bare API server; `test_on_the_node.py` has real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from support.argocd import (
    FINALIZER,
    NAMESPACE,
    SAMPLES,
    Application,
    configure_argocd,
    load_sample,
    run_argocd,
)
from support.gitops_cluster import find_definitions
from support.gitops_scene import Scene, open_scene
from support.gitops_stage import is_ready

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class ArgoScene(Scene):
    """A scene with the Applications that the samples make."""

    @property
    def operator(self) -> Application:
        return Application(self.stage, "sup-operator")

    @property
    def chat(self) -> Application:
        return Application(self.stage, "chat")

    def is_chat_well(self) -> bool:
        """Return whether the instance's Application is Healthy and Synced."""
        return self.place.confirm(self.chat.is_well())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgoScene]:
    """Argo CD with our health check; nothing is installed yet."""
    folder, definitions = tmp_path_factory.mktemp("argocd"), find_definitions()
    with open_scene(folder, namespace=NAMESPACE) as opened:
        configure_argocd(opened.stage, definitions)
        processes = run_argocd(
            opened.cluster.plane.kubeconfig, definitions=definitions, folder=folder / "argocd"
        )
        with processes:
            yield ArgoScene(opened.cluster, opened.repository)


def test_the_operator_and_the_instance_are_healthy_when_they_are_ready(scene: ArgoScene) -> None:
    stage, cluster, place = scene.stage, scene.cluster, scene.place
    for sample in ("operator.yaml", "messenger.yaml"):
        stage.apply_sample(SAMPLES / sample, url=scene.repository.url, changes={})

    stage.wait(scene.operator.is_synced, seconds=180, what="the operator's first sync")
    # Looked at again, as else it is within minutes: its pods are played faster than real ones come.
    scene.operator.refresh()
    stage.wait(scene.operator.is_well, seconds=60, what="the operator's Application")
    stage.wait(place.messenger, seconds=120, what="the instance to be made")

    # Nobody has looked at it yet, and Argo CD does not take it for finished.
    assert place.messenger()["status"] == {"observedGeneration": -1}
    scene.chat.expect("Progressing")

    cluster.rolls_out = False
    cluster.start_operator()
    stage.watch(
        lambda: scene.chat.is_held_for("Progressing"),
        seconds=8,
        what="an instance without pods is Progressing",
    )

    cluster.rolls_out = True
    stage.wait(scene.is_chat_well, seconds=120, what="the instance's Application")


def test_it_stays_in_sync_and_the_operators_own_writes_are_no_drift(scene: ArgoScene) -> None:
    before, synced = scene.place.messenger(), scene.chat.operation()["finishedAt"]
    for _ in range(4):
        scene.chat.refresh()
        assert scene.chat.is_well()
    scene.stage.watch(scene.chat.is_well, seconds=8, what="Healthy and Synced")

    after = scene.place.messenger()
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    assert after["spec"] == before["spec"]
    # Had it seen a difference, it would have synced again by itself.
    assert scene.chat.operation()["finishedAt"] == synced


def test_a_part_that_goes_down_is_degraded_and_no_drift(scene: ArgoScene) -> None:
    scene.cluster.checker.failing["postgres"] = "password authentication failed"
    scene.chat.expect("Degraded")
    scene.cluster.checker.failing.clear()
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_an_edit_is_rolled_out_and_is_progressing_meanwhile(scene: ArgoScene) -> None:
    scene.cluster.rolls_out = False
    scene.chat.change_values(api={"replicas": 2})
    scene.chat.expect("Progressing")
    assert scene.place.messenger()["spec"]["api"] == {"replicas": 2}
    scene.cluster.rolls_out = True
    scene.stage.wait(scene.is_chat_well, seconds=90, what="the edit to be Ready")


def test_an_edit_by_hand_is_taken_back(scene: ArgoScene) -> None:
    scene.place.edit_by_hand('{"spec": {"api": {"replicas": 3}}}')
    scene.stage.wait(
        lambda: scene.place.messenger()["spec"]["api"] == {"replicas": 2},
        seconds=60,
        what="the edit to be taken back",
    )
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_an_instance_that_needs_a_person_is_degraded_and_recovers(scene: ArgoScene) -> None:
    scene.chat.change_values(api={"replicas": 2, "podTemplate": {"specc": {}}})
    scene.chat.expect("Degraded")
    scene.chat.change_values(api={"replicas": 2, "podTemplate": None})
    scene.stage.wait(scene.is_chat_well, seconds=90, what="Healthy again")


def test_what_the_chart_refuses_never_reaches_the_cluster(scene: ArgoScene) -> None:
    before = scene.place.messenger()
    scene.chat.change_values(size="gigantic")
    scene.stage.wait(lambda: scene.chat.verdict()[1] == "Unknown", seconds=60, what="the refusal")
    (told,) = scene.chat.read()["status"]["conditions"]
    assert told["type"] == "ComparisonError"
    assert "/size" in told["message"]
    after = scene.place.messenger()
    assert (after["spec"], is_ready(after)) == (before["spec"], True)
    scene.chat.change_values(size="tiny")
    scene.stage.wait(scene.is_chat_well, seconds=60, what="Healthy again")


def test_sleep_is_suspended_and_no_drift(scene: ArgoScene) -> None:
    scene.place.annotate("supmessenger.io/hibernate=true")
    scene.chat.expect("Suspended")
    scene.chat.refresh()
    assert scene.chat.is_held_for("Suspended")
    scene.place.annotate("supmessenger.io/hibernate-")
    scene.stage.wait(scene.is_chat_well, seconds=90, what="Healthy again")


def test_deleting_prunes_as_the_samples_say(scene: ArgoScene) -> None:
    """The instance is kept unless it was asked for; the operator goes, its definition stays."""
    stage = scene.stage
    scene.chat.delete()
    assert scene.place.is_messenger_ready()

    sample = load_sample("messenger.yaml")
    sample["metadata"]["finalizers"] = [FINALIZER]
    sample["spec"]["source"]["repoURL"] = scene.repository.url
    stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
    stage.wait(scene.is_chat_well, seconds=90, what="the instance to be adopted")
    scene.operator.delete()
    assert not stage.read("deployment", "sup-operator", "sup-system")
    assert scene.place.is_messenger_ready()

    scene.chat.delete()
    stage.wait(lambda: not scene.place.messenger(), seconds=30, what="the instance to be pruned")
