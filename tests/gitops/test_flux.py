"""Flux's own controllers over the samples as they are: only the repository's address differs.

The pods are played on a bare API server; `test_on_the_node.py` has real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from support.control_plane import ROOT
from support.flux import NAMESPACE, FluxObject, run_flux
from support.git_server import GitRepository, serve_git
from support.gitops_cluster import CHAT, PlayedCluster, find_definitions, start_played_cluster
from support.gitops_stage import PARTS, Stage, find_condition

from supmessenger_cli.scope import MANAGER
from supmessenger_cli.verbs.stop import HIBERNATE

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(600)]

SAMPLES = ROOT / "manifests" / "gitops" / "flux"
INSTANCE = "manifests/gitops/instance/messenger.yaml"


@dataclass(frozen=True)
class Scene:
    """The cluster, the repository, and the resources of Flux that the samples make."""

    cluster: PlayedCluster
    repository: GitRepository

    @property
    def stage(self) -> Stage:
        return self.cluster.stage

    @property
    def source(self) -> FluxObject:
        return FluxObject(self.stage, "gitrepository", "sup-messenger")

    @property
    def operator(self) -> FluxObject:
        return FluxObject(self.stage, "kustomization", "sup-operator")

    @property
    def chat(self) -> FluxObject:
        return FluxObject(self.stage, "kustomization", "sup-chat")

    @property
    def release(self) -> FluxObject:
        return FluxObject(self.stage, "helmrelease", "sup-operator")

    def publish(self, message: str) -> str:
        """Commit, and have Flux fetch it now instead of within its interval."""
        revision = self.repository.publish(message)
        self.source.reconcile()
        return revision

    def is_chat_unfinished(self) -> bool:
        """Return whether the instance's Kustomization is not Ready."""
        return not self.chat.is_ready()

    def gather_outcomes(self) -> list[tuple[str, str]]:
        """Return what Flux applied so far, and how each attempt ended."""
        history = self.chat.read()["status"]["history"]
        return [(entry["digest"], entry["lastReconciledStatus"]) for entry in history]

    def is_chat_at(self, revision: str) -> bool:
        """Return whether the instance's Kustomization is Ready with this commit.

        Asked before the instance: what Flux calls Ready must have been so before.
        """
        body = self.chat.read()
        ready = find_condition(body, "Ready").get("status") == "True"
        told = ready and body["status"]["lastAppliedRevision"].endswith(revision)
        assert not told or self.cluster.is_messenger_ready(), "Flux calls Ready what is not"
        return told


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The samples applied, as the page says; nothing is installed yet."""
    folder = tmp_path_factory.mktemp("flux")
    with (
        start_played_cluster(
            folder / "plane", definitions=find_definitions(), namespace=NAMESPACE
        ) as cluster,
        serve_git(folder / "git", source=ROOT, parts=PARTS) as repository,
        run_flux(cluster.plane.kubeconfig, folder=folder / "flux"),
    ):
        yield Scene(cluster, repository)


def test_the_operator_comes_first_then_the_instance_and_each_is_waited_for(scene: Scene) -> None:
    stage, cluster = scene.stage, scene.cluster
    for sample in ("source.yaml", "kustomizations.yaml"):
        stage.apply_sample(SAMPLES / sample, url=scene.repository.url, changes={})

    stage.wait(scene.operator.is_ready, seconds=180, what="the operator's Kustomization")
    assert scene.release.is_ready()
    stage.wait(cluster.messenger, seconds=60, what="the instance to be made")

    # Nobody has looked at it yet, and Flux does not take it for finished.
    assert cluster.messenger()["status"] == {"observedGeneration": -1}
    stage.watch(
        scene.is_chat_unfinished, seconds=5, what="an instance that nobody looked at is not Ready"
    )

    cluster.rolls_out = False
    cluster.start_operator()
    stage.wait(
        lambda: find_condition(cluster.messenger(), "Reconciling").get("status") == "True",
        seconds=60,
        what="the operator to be at work",
    )
    stage.watch(scene.is_chat_unfinished, seconds=5, what="an instance without pods is not Ready")
    assert scene.chat.condition("Ready")["status"] == "Unknown"

    cluster.rolls_out = True
    revision = scene.source.read()["status"]["artifact"]["revision"].rsplit(":", 1)[1]
    stage.wait(lambda: scene.is_chat_at(revision), seconds=120, what="the instance's Kustomization")


def test_it_stays_in_sync_and_the_operators_own_writes_are_no_drift(scene: Scene) -> None:
    before = scene.cluster.messenger()
    outcomes = scene.gather_outcomes()
    for _ in range(4):
        scene.chat.reconcile()
        assert scene.chat.is_ready()

    after = scene.cluster.messenger()
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    assert after["spec"] == before["spec"]
    assert gather_applies(after) == gather_applies(before)
    # Not once otherwise in between.
    assert scene.gather_outcomes() == outcomes
    assert "ReconciliationSucceeded" in {status for _, status in outcomes}


def gather_applies(body: dict[str, object]) -> object:
    """Return who applied which fields, and when; the operator's status is left out."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    fields = metadata.get("managedFields", [])
    return [entry for entry in fields if entry.get("subresource") != "status"]


def test_a_part_that_goes_down_is_waited_for(scene: Scene) -> None:
    scene.cluster.checker.failing["postgres"] = "password authentication failed"
    scene.stage.wait(
        lambda: find_condition(scene.cluster.messenger(), "Degraded").get("status") == "True",
        seconds=30,
        what="Degraded",
    )
    scene.chat.ask()
    scene.stage.wait(scene.is_chat_unfinished, seconds=30, what="Flux to see it")
    assert scene.chat.condition("Ready")["status"] == "Unknown"
    scene.cluster.checker.failing.clear()
    scene.stage.wait(scene.chat.is_ready, seconds=60, what="Ready again")
    assert scene.cluster.is_messenger_ready()


def test_sleep_is_well_and_no_drift(scene: Scene) -> None:
    annotate = ("annotate", "supmessenger", "demo", "-n", CHAT)
    # As `kubectl sup stop` does; what kubectl wrote in its own name, Flux would take back.
    scene.stage.kubectl(*annotate, MANAGER, f"{HIBERNATE}=true")
    scene.stage.wait(
        lambda: find_condition(scene.cluster.messenger(), "Hibernated").get("status") == "True",
        seconds=60,
        what="sleep",
    )
    scene.chat.reconcile()
    assert scene.chat.is_ready()
    assert scene.cluster.messenger()["metadata"]["annotations"][HIBERNATE] == "true"
    scene.stage.kubectl(*annotate, f"{HIBERNATE}-")
    scene.stage.wait(scene.cluster.is_messenger_ready, seconds=60, what="Ready again")


def test_an_edit_in_git_is_rolled_out_and_waited_for(scene: Scene) -> None:
    scene.cluster.rolls_out = False
    scene.repository.replace(INSTANCE, "size: tiny", "size: tiny\n  api: {replicas: 2}")
    revision = scene.publish("two replicas of the API")
    scene.stage.wait(
        lambda: scene.cluster.messenger()["metadata"]["generation"] == 2,
        seconds=60,
        what="the edit to arrive",
    )
    scene.stage.watch(scene.is_chat_unfinished, seconds=5, what="Flux waits for the rollout")
    scene.cluster.rolls_out = True
    scene.stage.wait(lambda: scene.is_chat_at(revision), seconds=90, what="the edit to be Ready")


def test_an_edit_by_hand_is_taken_back(scene: Scene) -> None:
    patch = ("patch", "supmessenger", "demo", "-n", CHAT, "--type=merge")
    scene.stage.kubectl(*patch, "--patch", '{"spec": {"api": {"replicas": 1}}}')
    scene.chat.reconcile()
    assert scene.cluster.messenger()["spec"]["api"] == {"replicas": 2}
    scene.stage.wait(scene.cluster.is_messenger_ready, seconds=60, what="Ready as before")
    scene.stage.wait(scene.chat.is_ready, seconds=60, what="Flux to see it")


def test_an_instance_that_needs_a_person_fails_at_once_and_recovers(scene: Scene) -> None:
    scene.repository.replace(INSTANCE, "{replicas: 2}", "{podTemplate: {specc: {}}}")
    scene.publish("a typing error that only the operator can know")
    scene.stage.wait(
        lambda: scene.chat.has_failed_with("HealthCheckFailed"),
        # Of the 15 minutes that the sample gives to an instance that is on its way.
        seconds=45,
        what="the Kustomization to fail",
    )
    assert "SupMessenger/chat/demo" in scene.chat.condition("Ready")["message"]
    assert find_condition(scene.cluster.messenger(), "Stalled")["status"] == "True"

    scene.repository.replace(INSTANCE, "{podTemplate: {specc: {}}}", "{replicas: 1}")
    revision = scene.publish("without the typing error")
    scene.stage.wait(lambda: scene.is_chat_at(revision), seconds=90, what="Ready again")


def test_what_the_definition_refuses_never_reaches_the_cluster(scene: Scene) -> None:
    before = scene.cluster.messenger()
    scene.repository.replace(INSTANCE, "size: tiny", "size: gigantic")
    scene.publish("a size that does not exist")
    scene.stage.wait(
        lambda: scene.chat.has_failed_with("ReconciliationFailed"),
        seconds=45,
        what="the refusal",
    )
    assert "spec.size" in scene.chat.condition("Ready")["message"]
    after = scene.cluster.messenger()
    assert (after["spec"], find_condition(after, "Ready")["status"]) == (before["spec"], "True")

    scene.repository.replace(INSTANCE, "size: gigantic", "size: tiny")
    revision = scene.publish("a size that does")
    scene.stage.wait(lambda: scene.is_chat_at(revision), seconds=90, what="Ready again")


def test_deleting_prunes_as_the_samples_say(scene: Scene) -> None:
    """The instance is kept unless it was asked for; the operator goes, its definition stays."""
    stage = scene.stage
    (sample,) = [
        body
        for body in yaml.safe_load_all((SAMPLES / "kustomizations.yaml").read_text())
        if body["metadata"]["name"] == "sup-chat"
    ]
    delete = ("delete", "kustomization", "-n", NAMESPACE, "--timeout=60s")
    stage.kubectl(*delete, "sup-chat")
    assert scene.cluster.is_messenger_ready()

    sample["spec"]["prune"] = True
    stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
    stage.wait(scene.chat.is_ready, seconds=60, what="the instance to be adopted")
    stage.kubectl(*delete, "sup-operator")
    stage.wait(lambda: not scene.release.read(), seconds=60, what="the operator to be removed")
    assert not stage.read("deployment", "sup-operator", "sup-system")
    assert scene.cluster.is_messenger_ready()

    stage.kubectl(*delete, "sup-chat")
    stage.wait(lambda: not scene.cluster.messenger(), seconds=30, what="the instance to be pruned")
