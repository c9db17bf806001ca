"""A bad field of `tls.acme` that was stored before its bound: a good certificate serves on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.acme_authority import (
    ACME,
    SERVER,
    Authority,
    receive_first,
    served,
    wait_for_order,
)
from support.bad_fields import BAD_FIELDS, BadField
from support.world import KEY, World

BAD_ACME = [bad for bad in BAD_FIELDS if bad.field.startswith("spec.tls.acme.")]
BAD_SERVER = {"acme": {"server": "https://ca_1.example/directory#x"}}


def read_configuration(world: World) -> str:
    data = world.cluster.objects[("ConfigMap", "chat", "demo-edge")]["data"]
    return str(data["nginx.conf"])


async def pass_days(world: World, days: int) -> None:
    world.clock.now += timedelta(days=days)
    world.checkers.forget(KEY)
    await world.settle()
    await wait_for_order(world)


@pytest.mark.parametrize("bad", BAD_ACME, ids=lambda bad: bad.field)
async def test_a_good_certificate_serves_on_and_all_else_is_reconciled(
    world: World, authority: Authority, bad: BadField
) -> None:
    first = await receive_first(world)
    configuration = read_configuration(world)

    world.change(**bad.spec, worker={"concurrency": 5})
    await world.settle()
    await wait_for_order(world)

    assert served(world)["tls.crt"] == first
    assert read_configuration(world) == configuration
    worker = world.cluster.objects[("Deployment", "chat", "demo-worker")]
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    assert {"name": "SUP_WORKER_CONCURRENCY", "value": "5"} in container["env"]
    assert world.condition("Stalled")["status"] == "False"
    for kind in ("EdgeReady", "Ready"):
        assert world.condition(kind)["status"] == "True", kind
    degraded = world.condition("Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "NotConfigured")
    assert bad.field in degraded["message"]
    assert "; correct it and apply again; no certificate is ordered" in degraded["message"]
    told = [event["message"] for event in world.cluster.find("Event") if event["type"] == "Warning"]
    assert any(bad.field in message for message in told), told


@pytest.mark.parametrize("bad", BAD_ACME, ids=lambda bad: bad.field)
async def test_an_instance_without_a_good_one_says_so_at_its_edge_and_messages_go(
    world: World, authority: Authority, bad: BadField
) -> None:
    world.change(**bad.spec)
    await world.settle()

    assert authority.orders == []
    assert "acme-server" not in served(world)
    assert world.condition("Stalled")["status"] == "False"
    for part in ("Worker", "Api", "Websocket", "Media"):
        assert world.condition(f"{part}Ready")["status"] == "True", part
    edge = world.condition("EdgeReady")
    assert (edge["status"], edge["reason"]) == ("False", "CertificateUnusable")
    assert bad.field in edge["message"]
    assert "correct it and apply again" in edge["message"]
    assert world.condition("Ready")["status"] == "False"
    assert bad.field in world.condition("Degraded")["message"]


async def test_nothing_is_ordered_of_anybody_until_the_cure(
    world: World, authority: Authority
) -> None:
    """Least of all of the server that stands for one that isn't given."""
    first = await receive_first(world)
    world.change(tls=BAD_SERVER)
    await pass_days(world, 61)
    assert served(world)["tls.crt"] == first
    assert world.condition("EdgeReady")["status"] == "True"

    await pass_days(world, 30)
    assert len(authority.orders) == 1
    edge = world.condition("EdgeReady")
    assert (edge["status"], edge["reason"]) == ("False", "CertificateUnusable")
    assert "spec.tls.acme.server" in edge["message"]

    world.change(tls=ACME)
    await world.settle()
    await wait_for_order(world)
    assert [order.directory for order in authority.orders] == [SERVER, SERVER]
    assert world.condition("Ready")["status"] == "True"
    assert world.condition("Degraded")["status"] == "False"


async def test_it_falls_asleep_and_wakes_with_its_certificate(
    world: World, authority: Authority
) -> None:
    first = await receive_first(world)
    world.change(tls=BAD_SERVER)
    for asked, kind in (("true", "Hibernated"), ("false", "Ready")):
        annotations = {"supmessenger.io/hibernate": asked}
        world.cluster.edit("SupMessenger", "chat", "demo", metadata={"annotations": annotations})
        await world.settle()
        assert world.condition(kind)["status"] == "True"
        assert served(world)["tls.crt"] == first
