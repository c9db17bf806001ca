"""How the edge's certificate shows in status, for each way it can be provided."""

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
from support.world import KEY, World

from supmessenger_operator.cluster.certificates import KeyPair, make_authority, make_certificate
from supmessenger_operator.cluster.secrets import encode

DOMAIN = "chat.example.org"


async def test_the_edge_starts_with_our_own_and_goes_over_to_the_issued_one(
    world: World, authority: Authority
) -> None:
    world.change(tls=ACME)
    await world.settle()
    conf = world.cluster.objects[("ConfigMap", "chat", "demo-edge")]["data"]["nginx.conf"]
    assert "/acme-challenge/" in conf

    await wait_for_order(world)

    assert served(world)["acme-server"] == SERVER
    assert world.condition("EdgeReady")["status"] == "True"
    assert len(authority.orders) == 1
    assert authority.orders[0].edge_url == "http://demo-edge.chat.svc.cluster.local"


async def test_nothing_is_ordered_before_an_edge_could_prove_anything(
    world: World, authority: Authority
) -> None:
    world.change(tls=ACME)
    await world.settle(jobs=False)
    assert "demo-edge" not in world.cluster.names("Deployment")
    assert authority.orders == []

    await world.settle()
    await wait_for_order(world)
    assert len(authority.orders) == 1


async def test_a_sleeping_instance_orders_nothing_and_renews_when_it_wakes(
    world: World, authority: Authority
) -> None:
    first = await receive_first(world)
    world.cluster.edit(
        "SupMessenger", *KEY, metadata={"annotations": {"supmessenger.io/hibernate": "true"}}
    )
    await world.settle()
    authority.failure = "connection refused"
    world.clock.now += timedelta(days=61)
    await world.settle()
    await wait_for_order(world)

    assert len(authority.orders) == 1
    assert world.status()["phase"] == "Hibernated"
    assert world.condition("Degraded")["status"] == "False"

    authority.failure = ""
    world.cluster.edit(
        "SupMessenger", *KEY, metadata={"annotations": {"supmessenger.io/hibernate": "false"}}
    )
    await world.settle()
    await wait_for_order(world)
    assert len(authority.orders) == 2
    assert served(world)["tls.crt"] != first


async def test_a_failed_order_is_told_with_the_servers_words(
    world: World, authority: Authority
) -> None:
    authority.failure = "DNS problem: NXDOMAIN looking up A for chat.example.org"
    world.change(tls=ACME)
    await world.settle()

    await wait_for_order(world)

    edge = world.condition("EdgeReady")
    assert edge["status"] == "False"
    assert edge["reason"] == "CertificateUnusable"
    assert "NXDOMAIN" in edge["message"]
    assert "acme-server" not in served(world)


async def test_it_is_renewed_after_two_thirds_of_its_life(
    world: World, authority: Authority
) -> None:
    first = await receive_first(world)
    world.clock.now += timedelta(days=59)
    await world.settle()
    assert served(world)["tls.crt"] == first

    world.clock.now += timedelta(days=2)
    await world.settle()
    await wait_for_order(world)

    assert served(world)["tls.crt"] != first


async def test_a_renewal_that_fails_degrades_and_keeps_the_good_one(
    world: World, authority: Authority
) -> None:
    first = await receive_first(world)
    authority.failure = "the server is busy"
    world.clock.now += timedelta(days=61)

    await world.settle()
    await wait_for_order(world)

    assert served(world)["tls.crt"] == first
    assert world.condition("EdgeReady")["status"] != "False"
    degraded = world.condition("Degraded")
    assert degraded["status"] == "True"
    assert degraded["reason"] == "CertificateNotRenewed"
    assert "the server is busy" in degraded["message"]


async def test_an_order_under_way_is_waited_for_without_looking_each_second(
    world: World, authority: Authority
) -> None:
    await receive_first(world)
    authority.failure = "the server is busy"
    world.clock.now += timedelta(days=61)
    await world.settle()
    await wait_for_order(world)
    world.checkers.forget(KEY)
    tried = len(authority.orders)

    world.clock.now += timedelta(hours=1)
    looked = await world.reconcile()
    await world.orders.drain()

    assert len(authority.orders) == tried + 1, "it was due"
    assert looked.delay is None


async def test_another_server_in_the_resource_asks_for_another_certificate(
    world: World, authority: Authority
) -> None:
    await receive_first(world)

    world.change(tls={"acme": {"server": "https://other.example/dir"}})
    await world.settle()
    await wait_for_order(world)

    assert served(world)["acme-server"] == "https://other.example/dir"


async def test_a_sound_certificate_serves_on_while_another_server_refuses(
    world: World, authority: Authority
) -> None:
    first = await receive_first(world)
    authority.failure = "no account here"

    world.change(tls={"acme": {"server": "https://other.example/dir"}})
    await world.settle()
    await wait_for_order(world)

    assert served(world)["tls.crt"] == first
    assert world.condition("Degraded")["reason"] == "CertificateNotRenewed"


FLAWS = {
    "ended": ((DOMAIN,), timedelta(days=-100), "ended on"),
    "another name": (("other.example.org",), timedelta(), "does not name chat.example.org"),
}


@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_persons_unfit_certificate_is_told_with_the_cure(world: World, flaw: str) -> None:
    names, shift, words = FLAWS[flaw]
    signer = make_authority("person", now=world.clock.now + shift)
    await bring(world, make_certificate(signer, names, now=world.clock.now + shift))

    await world.settle()

    edge = world.condition("EdgeReady")
    assert edge["reason"] == "CertificateUnusable"
    assert words in edge["message"]
    assert "spec.tls.secretRef" in edge["message"]


async def bring(world: World, pair: KeyPair) -> None:
    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "mine", "namespace": "chat"},
            "data": {
                "tls.crt": encode(pair.certificate.decode()),
                "tls.key": encode(pair.key.decode()),
            },
        }
    )
    world.change(tls={"secretRef": {"name": "mine"}})


async def test_a_missing_secret_of_the_server_holds_up_no_messaging(
    world: World, authority: Authority
) -> None:
    ref = {"name": "authority"}
    world.change(tls={"acme": {"server": SERVER, "caSecretRef": ref}})
    await world.settle()

    assert world.condition("Stalled")["status"] == "False"
    for part in ("Worker", "Api", "Websocket", "Media"):
        assert world.condition(f"{part}Ready")["status"] == "True", part
    edge = world.condition("EdgeReady")
    assert (edge["status"], edge["reason"]) == ("False", "CertificateUnusable")
    assert "spec.tls.acme.caSecretRef.name: there is no Secret authority" in edge["message"]
    assert "tls.crt" in served(world)
    assert (await world.reconcile()).delay is not None

    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "authority", "namespace": "chat"},
            "data": {"ca.crt": encode("PEM")},
        }
    )
    await world.settle()
    await wait_for_order(world)
    assert authority.orders[0].authority == "PEM"
    assert world.condition("EdgeReady")["status"] == "True"
