"""Flux's own controllers over the samples as they are: only the repository's address differs.

The pods are played on a bare API server; `test_on_the_node.py` has real ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from support.flux import NAMESPACE, SAMPLES, FluxObject, load_sample, run_flux
from support.gitops_scene import Scene, open_scene
from support.gitops_stage import find_condition

from supmessenger_cli.scope import MANAGER
from supmessenger_cli.verbs.stop import HIBERNATE

pytestmark = [pytest.mark.gitops, pytest.mark.timeout(600)]

INSTANCE = "manifests/gitops/instance/messenger.yaml"


@dataclass(frozen=True)
class FluxScene(Scene):
    """A scene with the resources of Flux that the samples make."""

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

    def edit(self, old: str, new: str, *, message: str) -> str:
        """Commit an edit of the instance; have Flux fetch it now, not within its interval."""
        self.repository.replace(INSTANCE, old, new)
        revision = self.repository.publish(message)
        self.source.reconcile()
        return revision

    def wait_for_failure(self, reason: str) -> str:
        """Wait until the instance's Kustomization fails for this reason; return its message."""
        # Of the 15 minutes that the sample gives to an instance that is on its way.
        self.stage.wait(lambda: self.chat.has_failed_with(reason), seconds=45, what=reason)
        return str(self.chat.condition("Ready")["message"])

    def wait_for_revision(self, revision: str, *, seconds: float = 90) -> None:
        """Wait until the instance's Kustomization is Ready with this commit."""
        self.stage.wait(lambda: self.is_chat_at(revision), seconds=seconds, what="it to be Ready")

    def is_chat_unfinished(self) -> bool:
        """Return whether the instance's Kustomization is not Ready."""
        return not self.chat.is_ready()

    def gather_outcomes(self) -> list[tuple[str, str]]:
        """Return what Flux applied so far, and how each attempt ended."""
        history = self.chat.read()["status"]["history"]
        return [(entry["digest"], entry["lastReconciledStatus"]) for entry in history]

    def is_chat_at(self, revision: str) -> bool:
        """Return whether the instance's Kustomization is Ready with this commit."""
        body = self.chat.read()
        ready = find_condition(body, "Ready").get("status") == "True"
        told = ready and body["status"]["lastAppliedRevision"].endswith(revision)
        return self.place.confirm(told)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FluxScene]:
    """The samples applied, as the page says; nothing is installed yet."""
    folder = tmp_path_factory.mktemp("flux")
    with (
        open_scene(folder, namespace=NAMESPACE) as opened,
        run_flux(opened.cluster.plane.kubeconfig, folder=folder / "flux"),
    ):
        yield FluxScene(opened.cluster, opened.repository)


def test_the_operator_comes_first_then_the_instance_and_each_is_waited_for(
    scene: FluxScene,
) -> None:
    stage, cluster, place = scene.stage, scene.cluster, scene.place
    for sample in ("source.yaml", "kustomizations.yaml"):
        stage.apply_sample(SAMPLES / sample, url=scene.repository.url, changes={})

    stage.wait(scene.operator.is_ready, seconds=180, what="the operator's Kustomization")
    assert scene.release.is_ready()
    stage.wait(place.messenger, seconds=60, what="the instance to be made")

    # Nobody has looked at it yet, and Flux does not take it for finished.
    assert place.messenger()["status"] == {"observedGeneration": -1}
    stage.watch(
        scene.is_chat_unfinished, seconds=5, what="an instance that nobody looked at is not Ready"
    )

    cluster.rolls_out = False
    cluster.start_operator()
    stage.wait(
        lambda: find_condition(place.messenger(), "Reconciling").get("status") == "True",
        seconds=60,
        what="the operator to be at work",
    )
    stage.watch(scene.is_chat_unfinished, seconds=5, what="an instance without pods is not Ready")
    assert scene.chat.condition("Ready")["status"] == "Unknown"

    cluster.rolls_out = True
    revision = scene.source.read()["status"]["artifact"]["revision"].rsplit(":", 1)[1]
    scene.wait_for_revision(revision, seconds=120)


def test_it_stays_in_sync_and_the_operators_own_writes_are_no_drift(scene: FluxScene) -> None:
    before = scene.place.messenger()
    outcomes = scene.gather_outcomes()
    for _ in range(4):
        scene.chat.reconcile()
        assert scene.chat.is_ready()

    after = scene.place.messenger()
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


def test_a_part_that_goes_down_is_waited_for(scene: FluxScene) -> None:
    scene.cluster.checker.failing["postgres"] = "password authentication failed"
    scene.stage.wait(
        lambda: find_condition(scene.place.messenger(), "Degraded").get("status") == "True",
        seconds=30,
        what="Degraded",
    )
    scene.chat.ask()
    scene.stage.wait(scene.is_chat_unfinished, seconds=30, what="Flux to see it")
    assert scene.chat.condition("Ready")["status"] == "Unknown"
    scene.cluster.checker.failing.clear()
    scene.stage.wait(scene.chat.is_ready, seconds=60, what="Ready again")
    assert scene.place.is_messenger_ready()


def test_sleep_is_well_and_no_drift(scene: FluxScene) -> None:
    # As `kubectl sup stop` does; what kubectl wrote in its own name, Flux would take back.
    scene.place.annotate(MANAGER, f"{HIBERNATE}=true")
    scene.stage.wait(
        lambda: find_condition(scene.place.messenger(), "Hibernated").get("status") == "True",
        seconds=60,
        what="sleep",
    )
    scene.chat.reconcile()
    assert scene.chat.is_ready()
    assert scene.place.messenger()["metadata"]["annotations"][HIBERNATE] == "true"
    scene.place.annotate(f"{HIBERNATE}-")
    scene.stage.wait(scene.place.is_messenger_ready, seconds=60, what="Ready again")


def test_an_edit_in_git_is_rolled_out_and_waited_for(scene: FluxScene) -> None:
    scene.cluster.rolls_out = False
    edited = "size: tiny\n  api: {replicas: 2}"
    revision = scene.edit("size: tiny", edited, message="two replicas of the API")
    scene.stage.wait(
        lambda: scene.place.messenger()["metadata"]["generation"] == 2,
        seconds=60,
        what="the edit to arrive",
    )
    scene.stage.watch(scene.is_chat_unfinished, seconds=5, what="Flux waits for the rollout")
    scene.cluster.rolls_out = True
    scene.wait_for_revision(revision)


def test_an_edit_by_hand_is_taken_back(scene: FluxScene) -> None:
    scene.place.edit_by_hand('{"spec": {"api": {"replicas": 1}}}')
    scene.chat.reconcile()
    assert scene.place.messenger()["spec"]["api"] == {"replicas": 2}
    scene.stage.wait(scene.place.is_messenger_ready, seconds=60, what="Ready as before")
    scene.stage.wait(scene.chat.is_ready, seconds=60, what="Flux to see it")


def test_an_instance_that_needs_a_person_fails_at_once_and_recovers(scene: FluxScene) -> None:
    right, wrong = "{replicas: 2}", "{podTemplate: {specc: {}}}"
    scene.edit(right, wrong, message="a typing error that only the operator can know")
    assert "SupMessenger/chat/demo" in scene.wait_for_failure("HealthCheckFailed")
    assert find_condition(scene.place.messenger(), "Stalled")["status"] == "True"

    revision = scene.edit(wrong, "{replicas: 1}", message="without the typing error")
    scene.wait_for_revision(revision)


def test_what_the_definition_refuses_never_reaches_the_cluster(scene: FluxScene) -> None:
    before = scene.place.messenger()
    scene.edit("size: tiny", "size: gigantic", message="a size that does not exist")
    assert "spec.size" in scene.wait_for_failure("ReconciliationFailed")
    after = scene.place.messenger()
    assert (after["spec"], find_condition(after, "Ready")["status"]) == (before["spec"], "True")

    revision = scene.edit("size: gigantic", "size: tiny", message="a size that does")
    scene.wait_for_revision(revision)


def test_deleting_prunes_as_the_samples_say(scene: FluxScene) -> None:
    """The instance is kept unless it was asked for; the operator goes, its definition stays."""
    stage = scene.stage
    delete = ("delete", "kustomization", "-n", NAMESPACE, "--timeout=60s")
    stage.kubectl(*delete, "sup-chat")
    assert scene.place.is_messenger_ready()

    sample = load_sample("sup-chat")
    sample["spec"]["prune"] = True
    stage.kubectl("apply", "-f", "-", given=yaml.safe_dump(sample))
    stage.wait(scene.chat.is_ready, seconds=60, what="the instance to be adopted")
    stage.kubectl(*delete, "sup-operator")
    stage.wait(lambda: not scene.release.read(), seconds=60, what="the operator to be removed")
    assert not stage.read("deployment", "sup-operator", "sup-system")
    assert scene.place.is_messenger_ready()

    stage.kubectl(*delete, "sup-chat")
    stage.wait(lambda: not scene.place.messenger(), seconds=30, what="the instance to be pruned")
