"""What holds a rollout back, and what goes on all the same."""

import pytest
from support.world import KEY, World


async def test_children_come_back_while_a_migration_holds_the_rollout(world: World) -> None:
    await world.settle()
    world.change(version="2.0")
    await world.settle(jobs=False)
    assert world.condition("Migrated")["reason"] == "Running"

    world.cluster.remove("Service", "chat", "demo-api")
    world.cluster.edit("Deployment", "chat", "demo-media", spec={"replicas": 9})
    world.cluster.edit("ConfigMap", "chat", "demo-edge", data={"mine": "1"})
    await world.reconcile()

    assert "mine" not in world.cluster.objects[("ConfigMap", "chat", "demo-edge")]["data"]
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
    world.change(tls={"certManager": {"issuerRef": {"name": "mine"}}})

    await world.reconcile()

    stalled = world.condition("Stalled")
    assert stalled["reason"] == "NotYetAvailable"
    assert "spec.tls.certManager" in stalled["message"]
    assert "use acme or selfSigned" in stalled["message"]


async def test_a_wish_without_effect_is_reported_and_said_once(world: World) -> None:
    world.change(monitoring={"alerts": {"webhook": {"urlSecretRef": {"name": "chat-hook"}}}})
    await world.settle()

    said = [
        event["message"]
        for event in world.cluster.find("Event")
        if event["reason"] == "NotYetAvailable"
    ]
    assert len(said) == 1
    assert "spec.monitoring.alerts.webhook" in said[0]
    listed = {item["name"]: item for item in world.status()["components"]}
    assert listed["alerts-webhook"]["mode"] == "unavailable"
    assert world.condition("Ready")["status"] == "True"


async def test_an_annotation_without_effect_is_said_though_the_generation_stays(
    world: World,
) -> None:
    await world.settle()
    annotations = {"supmessenger.io/rotate": "true"}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    await world.settle()

    messages = [event["message"] for event in world.cluster.find("Event")]
    assert len([text for text in messages if "supmessenger.io/rotate" in text]) == 1
    assert "rotate" in {item["name"] for item in world.status()["components"]}


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


@pytest.mark.parametrize("value", ["true", "yes", ""])
async def test_a_pause_leaves_edits_by_hand_until_it_ends(world: World, value: str) -> None:
    await world.settle()
    api = ("Deployment", "chat", "demo-api")
    annotations: dict[str, str | None] = {"supmessenger.io/paused": value}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    world.cluster.edit(*api, spec={"replicas": 0})

    await world.reconcile()

    assert world.cluster.objects[api]["spec"]["replicas"] == 0
    assert "supmessenger.io/paused" in world.status()["message"]
    assert "Paused" in {event["reason"] for event in world.cluster.find("Event")}

    annotations = {"supmessenger.io/paused": "false"}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    await world.reconcile()

    assert world.cluster.objects[api]["spec"]["replicas"] == 1


async def test_a_dry_run_that_can_not_be_had_changes_nothing(world: World) -> None:
    await world.settle()
    annotations = {"supmessenger.io/dry-run": "true"}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": annotations})
    world.change(api={"replicas": 3})

    await world.reconcile()

    assert world.cluster.objects[("Deployment", "chat", "demo-api")]["spec"]["replicas"] == 1
    stalled = world.condition("Stalled")
    assert stalled["reason"] == "NotYetAvailable"
    assert stalled["message"].startswith("metadata.annotations[supmessenger.io/dry-run]: ")
    assert "supmessenger.io/paused" in stalled["message"]


@pytest.mark.parametrize("purpose", ["migrations", "object-storage-setup"])
async def test_a_job_that_fails_with_nothing_behind_it_is_told(world: World, purpose: str) -> None:
    await world.settle()
    (name,) = [job for job in world.cluster.names("Job") if job.startswith(f"demo-{purpose}-")]
    world.cluster.remove("Job", "chat", name)
    await world.reconcile()
    world.end_job(name, error="BackoffLimitExceeded")

    await world.reconcile()

    stalled = world.condition("Stalled")
    assert stalled["status"] == "True"
    assert f"kubectl delete job {name} -n chat" in stalled["message"]
    world.cluster.remove("Job", "chat", name)
    await world.settle()
    assert world.condition("Ready")["status"] == "True"


async def test_an_object_of_somebody_else_is_not_taken_over(world: World) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "demo-redis-cache", "namespace": "chat", "labels": {"app": "mine"}},
        "spec": {"selector": {"app": "mine"}},
    }
    await world.cluster.create(foreign)

    await world.reconcile()

    live = world.cluster.objects[("Service", "chat", "demo-redis-cache")]
    assert live["spec"] == foreign["spec"]
    stalled = world.condition("Stalled")
    assert stalled["reason"] == "NameTaken"
    assert "Service demo-redis-cache" in stalled["message"]

    world.cluster.remove("Service", "chat", "demo-redis-cache")
    await world.settle()
    assert world.condition("Ready")["status"] == "True"
