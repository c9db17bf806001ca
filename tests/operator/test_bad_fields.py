"""A bad field of an optional part degrades that part, and messaging is reconciled all the same."""

from typing import Any

import pytest
from support.bad_fields import BAD_FIELDS, GOOD_SPECS, BadField
from support.messengers import make_inputs, make_messenger
from support.service_settings import read_settings
from support.world import World

from supmessenger_operator.desired import build_instance
from supmessenger_operator.model.messenger import check_messenger
from supmessenger_operator.model.parts import find_held

PARTS = [bad for bad in BAD_FIELDS if bad.part]
# One of each part, and one of each way in which a part is set aside.
TOLD = list({(bad.part, bad.admitted): bad for bad in PARTS}.values())
CORE = {
    *("foundation", "policies", "postgres", "redis-cache", "redis-state", "rabbitmq"),
    *("object-storage", "object-storage-setup", "migrations", "worker", "api", "websocket"),
    *("media", "edge", "backup"),
}


def name_case(bad: BadField) -> str:
    return f"{bad.field}-{PARTS.index(bad)}"


@pytest.mark.parametrize("bad", PARTS, ids=name_case)
def test_a_bad_field_is_the_problem_of_its_part_alone(bad: BadField) -> None:
    """Also what the API server refuses today may have been stored before it did."""
    messenger = make_messenger(spec=bad.spec)
    check_messenger(messenger)
    held = find_held(messenger.problems, messenger.spec)
    built = build_instance(messenger, make_inputs(messenger), without=held)

    problems = {**built.problems, **messenger.problems}
    assert set(problems) == {bad.part}
    assert problems[bad.part].startswith(bad.field)
    components = {item.component for item in built.objects}
    assert components >= CORE
    assert bad.part not in components
    for service in ("api", "websocket", "media", "worker"):
        read_settings(built.objects, service)


@pytest.mark.parametrize("bad", TOLD, ids=name_case)
async def test_the_part_alone_degrades_and_says_so(bad: BadField) -> None:
    world = World()
    await world.declare(**bad.spec)
    await world.settle()
    await world.checkers.close()

    assert world.condition("Stalled")["status"] == "False"
    for part in ("Postgres", "RedisState", "Rabbitmq", "Worker", "Api", "Websocket", "Edge"):
        assert world.condition(f"{part}Ready")["status"] == "True", part
    condition = world.condition(bad.condition)
    assert condition["status"] == ("True" if bad.condition == "Degraded" else "False")
    assert condition["reason"] in ("NotConfigured", "PushFailing")
    assert bad.field in condition["message"]
    assert world.condition("Degraded")["status"] == "True"
    told = [event["message"] for event in world.cluster.find("Event") if event["type"] == "Warning"]
    assert any(bad.field in message for message in told), told


@pytest.mark.parametrize("spec", GOOD_SPECS, ids=str)
def test_good_ones_have_no_problem(spec: dict[str, Any]) -> None:
    assert make_messenger(spec=spec).problems == {}


@pytest.mark.parametrize(
    ("bad", "good", "kind", "name"),
    [
        (
            {"monitoring": {"logs": {"retention": "1h"}}},
            {"monitoring": {"logs": {"retention": "48h"}}},
            "StatefulSet",
            "demo-loki",
        ),
        (
            {"turn": {"relayPorts": {"min": 80}}},
            {"turn": {"relayPorts": {"min": 49160}}},
            "Deployment",
            "demo-turn",
        ),
        (
            {"livekit": {"embedded": {"exposure": {"type": "Maybe"}}}},
            {"livekit": {"embedded": {"resources": {"limits": {"memory": "1Gi"}}}}},
            "Deployment",
            "demo-livekit",
        ),
        (
            {"monitoring": {"prometheus": {"embedded": {"podTemplate": {"x": 1}}}}},
            {"monitoring": {"prometheus": {"embedded": {"retention": "2d"}}}},
            "StatefulSet",
            "demo-prometheus",
        ),
    ],
)
async def test_what_was_released_of_the_part_goes_on_until_the_cure(
    world: World, bad: dict[str, Any], good: dict[str, Any], kind: str, name: str
) -> None:
    await world.settle()
    services = set(world.cluster.names("Service"))
    before = world.cluster.objects[(kind, "chat", name)]["spec"]

    world.change(**bad, worker={"concurrency": 5})
    await world.settle()

    assert world.cluster.objects[(kind, "chat", name)]["spec"] == before
    assert set(world.cluster.names("Service")) == services
    (container,) = world.cluster.objects[("Deployment", "chat", "demo-worker")]["spec"]["template"][
        "spec"
    ]["containers"]
    assert {"name": "SUP_WORKER_CONCURRENCY", "value": "5"} in container["env"]

    world.cluster.edit("SupMessenger", "chat", "demo", spec={next(iter(bad)): None})
    world.change(**good)
    await world.settle()
    assert world.condition("Ready")["status"] == "True"
    assert world.condition("Degraded")["status"] == "False"


async def test_an_instance_with_a_bad_part_falls_asleep_whole_and_wakes(world: World) -> None:
    await world.settle()
    world.change(monitoring={"logs": {"retention": "1h"}})
    await world.settle()

    annotations = {"supmessenger.io/hibernate": "true"}
    world.cluster.edit("SupMessenger", "chat", "demo", metadata={"annotations": annotations})
    await world.settle()
    assert world.cluster.objects[("StatefulSet", "chat", "demo-loki")]["spec"]["replicas"] == 0
    assert world.condition("Hibernated")["status"] == "True"

    annotations = {"supmessenger.io/hibernate": "false"}
    world.cluster.edit("SupMessenger", "chat", "demo", metadata={"annotations": annotations})
    await world.settle()
    for kind in ("StatefulSet", "Deployment"):
        for live in world.cluster.find(kind):
            assert live["spec"]["replicas"] > 0, live["metadata"]["name"]
    assert world.condition("LokiReady")["reason"] == "NotConfigured"
    assert world.condition("ApiReady")["status"] == "True"


@pytest.mark.parametrize(
    ("block", "condition"), [({"turn": {}}, "TurnReady"), ({"api": {}}, "Stalled")]
)
async def test_a_huge_mistake_is_told_in_few_words(block: dict[str, Any], condition: str) -> None:
    """A status of more than a condition may hold would never be written."""
    (name,) = block
    world = World()
    await world.declare(**{name: {"podTemplate": {"x" * 100_000: 1}}})
    await world.settle()
    await world.checkers.close()

    message = world.condition(condition)["message"]
    assert message.startswith(f"spec.{name}.podTemplate: 'xxx")
    assert len(message) < 5000


async def test_volumes_of_a_bad_part_are_kept_as_soon_as_that_is_asked_for() -> None:
    """Otherwise they would go with the resource."""
    world = World()
    await world.declare(deletionPolicy="Delete")
    await world.settle()
    policy = "persistentVolumeClaimRetentionPolicy"
    loki = world.cluster.objects[("StatefulSet", "chat", "demo-loki")]
    assert loki["spec"][policy]["whenDeleted"] == "Delete"

    world.change(deletionPolicy="Retain", monitoring={"logs": {"retention": "1h"}})
    await world.settle()
    await world.checkers.close()

    loki = world.cluster.objects[("StatefulSet", "chat", "demo-loki")]
    assert loki["spec"][policy]["whenDeleted"] == "Retain"


def test_what_holds_a_bad_field_may_be_bad_itself() -> None:
    spec = {"monitoring": {"enabled": "maybe", "logs": {"retention": "soon"}}}
    assert set(make_messenger(spec=spec).problems) == {"monitoring", "loki"}


def test_videos_that_are_off_have_no_problem_and_the_worker_starts() -> None:
    off = {"media": {"transcoding": {"enabled": False, "maxSourceSize": "0"}}}
    messenger = make_messenger(spec=off)
    assert messenger.problems == {}
    read_settings(build_instance(messenger, make_inputs(messenger)).objects, "worker")
