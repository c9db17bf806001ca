"""Sleep and waking on the fake cluster: what goes in which order, and what stays."""

from typing import Any

from support.world import KEY, WORKLOADS, World

from supmessenger_operator.model.outcome import Next


def annotate(world: World, **annotations: str) -> None:
    named = {f"supmessenger.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": named})


def count_wanted(world: World) -> dict[str, int]:
    return {
        live["metadata"]["name"]: live["spec"]["replicas"]
        for kind in WORKLOADS
        for live in world.cluster.find(kind)
    }


def put_pod(world: World, component: str, phase: str = "Running") -> None:
    body: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {
            "name": f"demo-{component}-abc",
            "namespace": "chat",
            "labels": {
                "app.kubernetes.io/instance": "demo",
                "app.kubernetes.io/component": component,
                "app.kubernetes.io/managed-by": "sup-operator",
            },
        },
        "status": {"phase": phase},
    }
    world.cluster.objects[("Pod", "chat", f"demo-{component}-abc")] = body


async def settle_checked(world: World) -> None:
    """Settle, and let the checker look again, whose last report is remembered for a moment."""
    await world.settle()
    world.checkers.forget(KEY)
    await world.settle()


async def test_a_sleeping_instance_has_no_pods_and_keeps_everything_else(world: World) -> None:
    await world.settle()
    kept = {kind: world.cluster.names(kind) for kind in ("Service", "Secret", "ConfigMap", "Job")}
    annotate(world, hibernate="true")

    await world.settle()

    assert set(count_wanted(world).values()) == {0}
    (schedule,) = world.cluster.find("CronJob")
    assert schedule["spec"]["suspend"] is True
    assert {kind: world.cluster.names(kind) for kind in kept} == kept
    assert world.status()["phase"] == "Hibernated"
    assert world.status()["version"] == "1.0"
    assert world.condition("Hibernated")["status"] == "True"
    assert "Hibernated" in {event["reason"] for event in world.cluster.find("Event")}
    assert await world.reconcile() == Next()


async def test_each_tier_ends_before_what_it_needs(world: World) -> None:
    await world.settle()
    annotate(world, hibernate="true")
    put_pod(world, "edge")
    put_pod(world, "api")
    put_pod(world, "backup", phase="Succeeded")

    result = await world.reconcile()
    # No event tells that a pod has ended.
    assert result.delay is not None
    assert result.delay <= 5
    wanted = count_wanted(world)
    assert (wanted["demo-edge"], wanted["demo-api"], wanted["demo-postgres"]) == (0, 1, 1)
    assert world.condition("Ready")["reason"] == "FallingAsleep"
    assert world.condition("Reconciling")["status"] == "True"
    assert "demo-edge-abc" in world.condition("Hibernated")["message"]

    del world.cluster.objects[("Pod", "chat", "demo-edge-abc")]
    await world.reconcile()
    wanted = count_wanted(world)
    assert (wanted["demo-api"], wanted["demo-worker"], wanted["demo-postgres"]) == (0, 1, 1)

    del world.cluster.objects[("Pod", "chat", "demo-api-abc")]
    await world.settle()
    assert set(count_wanted(world).values()) == {0}


async def test_scaling_up_a_sleeping_part_by_hand_is_taken_back(world: World) -> None:
    await world.settle()
    annotate(world, hibernate="true")
    await world.settle()
    world.cluster.edit("Deployment", "chat", "demo-api", spec={"replicas": 3})

    await world.reconcile()

    assert count_wanted(world)["demo-api"] == 0


async def test_waking_follows_the_one_order_and_is_not_degraded(world: World) -> None:
    await world.settle()
    annotate(world, hibernate="true")
    await world.settle()
    annotate(world, hibernate="false")

    await world.reconcile()
    wanted = count_wanted(world)
    assert (wanted["demo-postgres"], wanted["demo-api"], wanted["demo-edge"]) == (1, 0, 0)
    assert world.condition("Ready")["status"] != "True"
    assert world.condition("ApiReady")["reason"] == "NotStarted"
    assert world.condition("Hibernated")["reason"] == "Waking"
    for _ in range(40):  # 200 seconds in which nothing gets ready
        await world.reconcile()
    assert world.condition("Degraded")["status"] == "False"

    await settle_checked(world)
    assert set(count_wanted(world).values()) == {1}
    (schedule,) = world.cluster.find("CronJob")
    assert not schedule["spec"].get("suspend")
    assert world.condition("Ready")["status"] == "True"
    assert world.status()["phase"] == "Ready"
    assert "Hibernated" not in {item["type"] for item in world.status()["conditions"]}


async def test_a_new_release_waits_for_waking_and_its_migration(world: World) -> None:
    await world.settle()
    annotate(world, hibernate="true")
    await world.settle()
    jobs = world.cluster.names("Job")
    world.change(images={"overrides": {"api": "example.org/api:2"}})
    await world.settle()
    assert world.cluster.names("Job") == jobs
    assert world.status()["phase"] == "Hibernated"

    annotate(world, hibernate="false")
    await world.settle(jobs=False)
    assert count_wanted(world)["demo-api"] == 0
    assert world.condition("Migrated")["reason"] == "Running"

    await settle_checked(world)
    assert world.image_of("demo-api") == "example.org/api:2"
    assert world.condition("Ready")["status"] == "True"


async def test_a_pause_holds_sleep_and_says_so(world: World) -> None:
    await world.settle()
    annotate(world, paused="true", hibernate="true")

    await world.settle()

    assert set(count_wanted(world).values()) == {1}
    assert world.condition("Hibernated")["reason"] == "Paused"
