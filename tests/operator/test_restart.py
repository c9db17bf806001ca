"""`restart-at` replaces pods, and what else happens does not take that back."""

from typing import Any

from support.world import KEY, World

RESTARTED = "supmessenger.io/restarted-at"


def annotate(world: World, **annotations: str) -> None:
    named = {f"supmessenger.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    world.cluster.edit("SupMessenger", *KEY, metadata={"annotations": named})


def read_restarts(world: World) -> dict[str, Any]:
    return {
        live["metadata"]["name"].removeprefix("demo-"): live["spec"]["template"]["metadata"]
        .get("annotations", {})
        .get(RESTARTED)
        for kind in ("Deployment", "StatefulSet")
        for live in world.cluster.find(kind)
    }


async def test_one_component_is_restarted_and_nothing_else(world: World) -> None:
    await world.settle()
    jobs = world.cluster.names("Job")
    annotate(world, restart_at_api="2026-01-01T12:00:00Z")

    await world.settle()

    restarts = read_restarts(world)
    assert restarts.pop("api") == "2026-01-01T12:00:00Z"
    assert set(restarts.values()) == {None}
    assert world.cluster.names("Job") == jobs
    assert world.condition("Ready")["status"] == "True"


async def test_everything_is_restarted_in_the_one_order(world: World) -> None:
    await world.settle()
    annotate(world, restart_at="now")

    await world.reconcile()
    first = read_restarts(world)
    assert (first["postgres"], first["api"]) == ("now", None)

    await world.settle()
    assert set(read_restarts(world).values()) == {"now"}


async def test_a_restart_survives_drift_repair_and_a_new_operator(world: World) -> None:
    await world.settle()
    annotate(world, restart_at_api="now")
    await world.settle()
    world.cluster.remove("Deployment", "chat", "demo-api")
    world.start_operator()

    await world.settle()

    assert read_restarts(world)["api"] == "now"
