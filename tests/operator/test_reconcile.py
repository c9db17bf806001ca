"""The whole path of a pass on the fake cluster, without a checker process or a controller."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fake_cluster import FakeCluster

from supmessenger_operator.cluster.reach import Reach
from supmessenger_operator.events import EventRecorder
from supmessenger_operator.model.checks import Check, CheckReport
from supmessenger_operator.model.defaults import OperatorDefaults
from supmessenger_operator.model.images import IMAGE_NAMES
from supmessenger_operator.model.outcome import Next
from supmessenger_operator.probes.checker import Checkers, Key
from supmessenger_operator.reconcile import reconcile_messenger
from supmessenger_operator.run import Context

KEY = ("chat", "demo")
WORKLOADS = ("StatefulSet", "Deployment")
PARTS = ("postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage")


class Answers(Checkers):
    """A checker whose answer the test sets."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__()
        self._clock = clock
        self.failing: dict[str, str] = {}

    async def _ask(self, key: Key, *, method: str) -> CheckReport | None:
        checks = tuple(
            Check(name=name, ok=name not in self.failing, message=self.failing.get(name, ""))
            for name in PARTS
        )
        return CheckReport(checked_at=self._clock.now, checks=checks)


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def resolve_nothing(_: str) -> tuple[str, ...]:
    """No test asks the internet."""
    return ()


class World:
    """One instance on a fake cluster, and the passes over it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.clock = Clock()
        self.checkers = Answers(self.clock)
        self.context = self.start_operator()

    def start_operator(self) -> Context:
        """Return the context of a freshly started operator: nothing is remembered."""
        self.context = Context(
            client=self.cluster,
            defaults=OperatorDefaults(
                version="1.0", images={name: f"example.org/{name}:1" for name in IMAGE_NAMES}
            ),
            recorder=EventRecorder(self.cluster, clock=self.clock),
            checkers=self.checkers,
            reach=Reach(lookup=resolve_nothing),
            clock=self.clock,
        )
        return self.context

    async def declare(self, **spec: Any) -> None:
        await self.cluster.create(
            {
                "apiVersion": "supmessenger.io/v1alpha1",
                "kind": "SupMessenger",
                "metadata": {"name": "demo", "namespace": "chat"},
                "spec": {"domain": "chat.example.org", "size": "tiny", **spec},
            }
        )

    def change(self, **spec: Any) -> None:
        self.cluster.edit("SupMessenger", *KEY, spec=spec)

    async def reconcile(self) -> Next:
        self.clock.now += timedelta(seconds=5)
        return await reconcile_messenger(KEY, self.context)

    async def settle(self, *, jobs: bool = True) -> None:
        """Play the controllers until a pass changes nothing."""
        for _ in range(20):
            before = len(self.cluster.writes)
            await self.reconcile()
            self.make_ready(jobs=jobs)
            if len(self.cluster.writes) == before:
                return
        raise AssertionError("it never settles")

    def make_ready(self, *, jobs: bool = True) -> None:
        for kind in WORKLOADS:
            for live in self.cluster.find(kind):
                count = live["spec"].get("replicas", 1)
                status = dict.fromkeys(
                    ("readyReplicas", "updatedReplicas", "availableReplicas"), count
                )
                status["observedGeneration"] = live["metadata"]["generation"]
                self.cluster.edit(kind, "chat", live["metadata"]["name"], status=status)
        if jobs:
            for live in self.cluster.find("Job"):
                self.end_job(live["metadata"]["name"])

    def end_job(self, name: str, *, error: str = "") -> None:
        kind = "Failed" if error else "Complete"
        condition = {"type": kind, "status": "True", "message": error}
        self.cluster.edit("Job", "chat", name, status={"conditions": [condition]})

    def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.cluster.objects[("SupMessenger", *KEY)]["status"]
        return found

    def condition(self, kind: str) -> Mapping[str, Any]:
        return next(item for item in self.status()["conditions"] if item["type"] == kind)

    def image_of(self, name: str) -> str:
        live = self.cluster.objects[("Deployment", "chat", name)]
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.declare()
    yield made
    await made.checkers.close()


async def test_the_first_pass_makes_secrets_and_the_data_tier_and_waits(world: World) -> None:
    result = await world.reconcile()

    assert result.backoff
    assert "demo-postgres-roles" in world.cluster.names("Secret")
    assert len(world.cluster.find("StatefulSet")) == 5
    assert world.cluster.find("Job") == []
    assert world.cluster.find("Deployment") == []
    assert world.condition("Reconciling")["reason"] == "WaitingForPostgres"
    assert world.status()["phase"] == "Installing"


async def test_waves_follow_one_another_until_ready(world: World) -> None:
    seen: list[str] = []
    for _ in range(12):
        await world.reconcile()
        for name in sorted(world.cluster.names("Job") | world.cluster.names("Deployment")):
            if name not in seen:
                seen.append(name)
        world.make_ready()

    order = [name.split("-")[1] for name in seen]
    assert order.index("migrations") < order.index("worker") < order.index("api")
    assert order.index("media") < order.index("edge")
    assert world.condition("Ready")["status"] == "True"
    assert world.status()["phase"] == "Ready"
    assert world.status()["version"] == "1.0"
    assert "demo-backup" in world.cluster.names("CronJob")


async def test_a_settled_instance_is_left_alone_also_by_a_new_operator(world: World) -> None:
    await world.settle()
    before = list(world.cluster.writes)

    assert await world.reconcile() == Next()
    world.start_operator()
    await world.reconcile()

    assert world.cluster.writes == before


async def test_generated_secrets_are_made_once_and_adopted(world: World) -> None:
    await world.settle()
    name = ("Secret", "chat", "demo-postgres-roles")
    before = world.cluster.objects[name]["data"]
    world.start_operator()

    await world.reconcile()

    assert world.cluster.objects[name]["data"] == before
    assert not world.cluster.objects[name]["metadata"].get("ownerReferences")


async def test_secrets_follow_the_deletion_policy(world: World) -> None:
    await world.settle()
    before = world.cluster.objects[("Secret", "chat", "demo-credentials")]["data"]
    world.change(deletionPolicy="Delete")
    await world.reconcile()
    secret = world.cluster.objects[("Secret", "chat", "demo-credentials")]
    assert secret["metadata"]["ownerReferences"][0]["name"] == "demo"
    assert secret["data"] == before

    world.change(deletionPolicy="Retain")
    await world.reconcile()

    secret = world.cluster.objects[("Secret", "chat", "demo-credentials")]
    assert not secret["metadata"].get("ownerReferences")
    assert secret["data"] == before


async def test_children_come_back_while_a_migration_holds_the_rollout(world: World) -> None:
    await world.settle()
    world.change(version="2.0")
    await world.settle(jobs=False)
    assert world.condition("Migrated")["reason"] == "Running"

    world.cluster.remove("Service", "chat", "demo-api")
    world.cluster.edit("Deployment", "chat", "demo-media", spec={"replicas": 9})
    await world.reconcile()

    assert "demo-api" in world.cluster.names("Service")
    media = world.cluster.objects[("Deployment", "chat", "demo-media")]
    assert media["spec"]["replicas"] == 1
    assert world.image_of("demo-api").endswith(":1")


async def test_a_failed_migration_is_terminal_until_its_job_is_deleted(world: World) -> None:
    await world.settle()
    known = world.cluster.names("Job")
    world.change(version="2.0")
    await world.reconcile()
    job = next(name for name in world.cluster.names("Job") - known if "migrations" in name)
    world.end_job(job, error="relation users does not exist")

    result = await world.reconcile()

    assert not result.backoff
    assert world.condition("Stalled")["reason"] == "MigrationsFailed"
    assert "relation users does not exist" in world.condition("Migrated")["message"]
    assert world.image_of("demo-api").endswith(":1")
    assert known <= world.cluster.names("Job"), "evidence is kept until the next success"

    world.cluster.remove("Job", "chat", job)
    await world.settle()
    assert world.condition("Migrated")["status"] == "True"
    assert world.image_of("demo-api").endswith(":2.0")
    assert not known & world.cluster.names("Job")


async def test_what_the_api_server_refuses_never_becomes_the_release(world: World) -> None:
    await world.settle()
    world.cluster.refused[("Deployment", "demo-api")] = "spec.template is no good"
    world.change(api={"extraEnv": [{"name": "A", "value": "b"}]})
    await world.reconcile()
    assert world.condition("Stalled")["reason"] == "ObjectRefused"
    assert world.condition("Stalled")["message"].startswith("spec.api: the API server refused")
    assert world.condition("ApiReady")["status"] == "True"

    world.cluster.refused.clear()
    world.cluster.remove("Deployment", "chat", "demo-api")
    world.change(api={"podTemplate": {"nonsense": {}}})
    await world.reconcile()

    assert "demo-api" in world.cluster.names("Deployment"), "what was released is put back"
    live = world.cluster.objects[("Deployment", "chat", "demo-api")]
    assert "'A'" not in str(live["spec"])


async def test_switching_a_part_off_removes_it_and_keeps_its_data(world: World) -> None:
    await world.settle()
    world.change(backup={"enabled": False})
    await world.settle()

    assert "demo-backup" not in world.cluster.names("CronJob")
    assert "demo-backups" in world.cluster.names("PersistentVolumeClaim")
    assert all(item["type"] != "BackupHealthy" for item in world.status()["conditions"])


async def test_a_missing_secret_stalls_with_path_and_cure_and_is_looked_for_again(
    world: World,
) -> None:
    world.change(smtp={"host": "mail", "from": "a@b", "credentialsSecretRef": {"name": "mine"}})
    result = await world.reconcile()

    assert result.delay == 60
    message = world.condition("Stalled")["message"]
    assert message.startswith("spec.smtp.credentialsSecretRef.name: there is no Secret mine")
    assert world.status()["phase"] == "Stalled"

    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "mine", "namespace": "chat"},
            "data": {"username": "dQ==", "password": "cA=="},
        }
    )
    await world.reconcile()
    assert world.condition("Stalled")["status"] == "False"
    assert "demo-smtp" in world.cluster.names("Secret")


async def test_a_host_that_does_not_answer_is_named(world: World) -> None:
    external = {
        "host": "127.0.0.1",
        "port": 1,
        "credentialsSecretRef": {"name": "mine"},
    }
    world.change(rabbitmq={"external": external})
    world.cluster.objects[("SupMessenger", *KEY)]["spec"]["rabbitmq"] = {"external": external}

    await world.reconcile()

    stalled = world.condition("Stalled")
    assert stalled["reason"] == "ExternalUnreachable"
    assert stalled["message"].startswith("spec.rabbitmq.external.host: 127.0.0.1:1 can't be")


async def test_what_this_release_can_not_run_stalls_with_the_cure(world: World) -> None:
    world.change(tls={"acme": {}})

    await world.reconcile()

    stalled = world.condition("Stalled")
    assert stalled["reason"] == "NotYetAvailable"
    assert "spec.tls.acme" in stalled["message"]
    assert "use selfSigned" in stalled["message"]


async def test_a_wish_without_effect_is_reported_and_said_once(world: World) -> None:
    world.change(kafka={"enabled": True})
    await world.settle()

    said = [
        event["message"]
        for event in world.cluster.find("Event")
        if event["reason"] == "NotYetAvailable"
    ]
    assert len(said) == 1
    assert "spec.kafka" in said[0]
    listed = {item["name"]: item for item in world.status()["components"]}
    assert listed["kafka"]["mode"] == "unavailable"
    assert listed["livekit"]["mode"] == "unavailable"
    assert world.condition("Ready")["status"] == "True"


async def test_an_annotation_without_effect_is_said_though_the_generation_stays(
    world: World,
) -> None:
    await world.settle()
    annotations = {"supmessenger.io/hibernate": "true"}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    await world.settle()

    messages = [event["message"] for event in world.cluster.find("Event")]
    assert len([text for text in messages if "supmessenger.io/hibernate" in text]) == 1
    assert "hibernate" in {item["name"] for item in world.status()["components"]}


async def test_a_failing_check_turns_ready_off_and_degraded_on(world: World) -> None:
    await world.settle()
    world.checkers.failing["redis-state"] = "LOADING"
    world.checkers.forget(KEY)

    await world.reconcile()

    assert world.condition("RedisStateReady")["status"] == "False"
    assert world.condition("Ready")["status"] == "False"
    assert world.condition("Degraded")["status"] == "True"
    assert "LOADING" in world.status()["message"]


async def test_a_pause_holds_changes_but_not_repairs(world: World) -> None:
    await world.settle()
    annotations = {"supmessenger.io/paused": "true"}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    world.change(api={"replicas": 3})
    world.cluster.remove("Service", "chat", "demo-api")

    await world.reconcile()

    assert world.cluster.objects[("Deployment", "chat", "demo-api")]["spec"]["replicas"] == 1
    assert "demo-api" in world.cluster.names("Service")
    assert world.condition("Reconciling")["reason"] == "Paused"


async def test_a_rollout_names_the_fields_that_changed(world: World) -> None:
    await world.settle()
    world.change(api={"replicas": 3})
    await world.settle()

    messages = [event["message"] for event in world.cluster.find("Event")]
    assert any("api is rolled out: Deployment/demo-api spec.replicas" in text for text in messages)
    assert any("Deployment/demo-api spec.replicas" in text for text in messages)


async def test_a_volume_grows_with_its_claim_and_the_pods_go_on(world: World) -> None:
    await world.settle()
    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data-demo-postgres-0", "namespace": "chat"},
            "spec": {"resources": {"requests": {"storage": "2Gi"}}},
        }
    )
    before = world.cluster.objects[("StatefulSet", "chat", "demo-postgres")]
    world.change(postgres={"embedded": {"storage": {"size": "9Gi"}}})
    await world.settle()

    claim = world.cluster.objects[("PersistentVolumeClaim", "chat", "data-demo-postgres-0")]
    after = world.cluster.objects[("StatefulSet", "chat", "demo-postgres")]
    assert claim["spec"]["resources"]["requests"]["storage"] == "9Gi"
    assert "9Gi" in str(after["spec"]["volumeClaimTemplates"])
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert world.condition("Ready")["status"] == "True"


async def test_deleting_the_resource_takes_its_objects_and_leaves_secrets(world: World) -> None:
    await world.settle()
    world.cluster.remove("SupMessenger", *KEY)

    assert await world.reconcile() == Next()
    assert world.cluster.find("Deployment") == []
    assert world.cluster.find("ControllerRevision") == []
    assert "demo-postgres-roles" in world.cluster.names("Secret")


async def test_old_revisions_are_removed(world: World) -> None:
    await world.settle()
    for replicas in (2, 3, 4):
        world.change(api={"replicas": replicas})
        await world.settle()

    revisions = [
        live["revision"]
        for live in world.cluster.find("ControllerRevision")
        if live["metadata"]["labels"]["app.kubernetes.io/component"] == "api"
    ]
    assert sorted(revisions) == [3, 4]
