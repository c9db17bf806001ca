"""Calls in whole passes: their addresses are followed, and their faults stay their own."""

from typing import Any

from support.world import ADDRESSES, World

from supmessenger_operator.cluster.reach import Reach


def find_variable(world: World, name: str, variable: str) -> str:
    live = world.cluster.objects[("Deployment", "chat", name)]
    (container,) = live["spec"]["template"]["spec"]["containers"]
    return next(str(one["value"]) for one in container["env"] if one["name"] == variable)


def component(world: World, name: str) -> dict[str, Any]:
    return next(item for item in world.status()["components"] if item["name"] == name)


async def test_messaging_is_there_while_calls_wait_for_an_address(world: World) -> None:
    world.addresses = {}
    await world.settle()

    for part, service in (("Livekit", "demo-livekit-rtc"), ("Turn", "demo-turn")):
        condition = world.condition(f"{part}Ready")
        assert (condition["status"], condition["reason"]) == ("False", "WaitingForAddress")
        assert f"waiting for the address of Service {service}" in condition["message"]
        assert ".exposure.address" in condition["message"]
    assert world.condition("EdgeReady")["status"] == "True"
    assert "demo-livekit" not in world.cluster.names("Deployment")

    world.give_addresses(ADDRESSES)
    await world.settle()
    assert world.condition("LivekitReady")["status"] == "True"
    assert world.condition("TurnReady")["status"] == "True"
    assert world.condition("Ready")["status"] == "True"
    assert world.status()["endpoints"]["turn"] == "turn:198.51.100.12:3478"
    assert world.status()["endpoints"]["livekit"] == "wss://chat.example.org/livekit"


async def test_addresses_are_known_before_the_services_are_made(world: World) -> None:
    await world.settle()
    releases = [
        live["metadata"]["name"]
        for live in world.cluster.find("ControllerRevision")
        if live["metadata"]["labels"]["app.kubernetes.io/component"] == "api"
    ]
    assert len(releases) == 1, "the api was rolled out a second time for the addresses"


async def test_another_address_is_followed(world: World) -> None:
    await world.settle()
    world.give_addresses({"demo-turn": "203.0.113.9", "demo-livekit-rtc": "203.0.113.8"})
    await world.settle()

    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.9"
    assert "turn:203.0.113.9:3478" in find_variable(world, "demo-api", "SUP_TURN_URIS")
    config = world.cluster.objects[("ConfigMap", "chat", "demo-livekit")]["data"]["livekit.yaml"]
    assert 'node_ip: "203.0.113.8"' in config
    relay = world.cluster.objects[("ConfigMap", "chat", "demo-turn")]["data"]["turnserver.conf"]
    assert "allowed-peer-ip=203.0.113.8" in relay


async def test_of_two_families_media_goes_over_ipv4(world: World) -> None:
    world.give_addresses({"demo-turn": "2001:db8::7 203.0.113.9", "demo-edge": "2001:db8::6"})
    await world.settle()
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.9"
    assert world.status()["endpoints"]["turn"] == "turn:203.0.113.9:3478"

    # Another order, and one more: what calls use stays.
    world.give_addresses({"demo-turn": "203.0.113.8 203.0.113.9 2001:db8::7"})
    await world.settle()
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.9"

    world.give_addresses({"demo-turn": "2001:db8::7"})
    await world.settle()
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.9"
    condition = world.condition("TurnReady")
    assert (condition["status"], condition["reason"]) == ("False", "WaitingForAddress")
    assert "2001:db8::7, which gives no IPv4 address" in condition["message"]


async def test_each_address_of_the_edge_is_a_record(world: World) -> None:
    await world.settle()
    world.give_addresses({"demo-edge": "2001:db8::6 198.51.100.6"})
    await world.settle()
    records = [(one["type"], one["value"]) for one in world.status()["dnsRecords"]]
    assert records == [("A", "198.51.100.6"), ("AAAA", "2001:db8::6")]


async def test_a_name_of_the_edge_is_a_record_only_by_itself(world: World) -> None:
    """DNS allows nothing beside a CNAME, not even another one."""
    await world.settle()
    for given, wanted in (
        ("a.example b.example", [("CNAME", "a.example")]),
        ("a.example 198.51.100.6", [("A", "198.51.100.6")]),
    ):
        world.give_addresses({"demo-edge": given})
        await world.settle()
        records = [(one["type"], one["value"]) for one in world.status()["dnsRecords"]]
        assert records == wanted


async def test_an_address_that_is_lost_takes_no_pod_away_and_is_told(world: World) -> None:
    await world.settle()
    assert world.condition("TurnReady")["status"] == "True"
    world.give_addresses({"demo-turn": ""})
    await world.settle()

    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "198.51.100.12"
    assert world.condition("TurnReady")["reason"] == "WaitingForAddress"
    assert world.condition("ApiReady")["status"] == "True"


async def test_a_load_balancer_with_a_name_is_resolved(world: World) -> None:
    async def look_up(name: str) -> tuple[str, ...]:
        if name != "lb.example.net":
            return ()
        return ("2001:db8::1", "203.0.113.20")

    object.__setattr__(world.context, "reach", Reach(lookup=look_up))
    world.give_addresses({"demo-turn": "lb.example.net"})
    await world.settle()

    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.20"
    uris = find_variable(world, "demo-api", "SUP_TURN_URIS")
    assert uris.startswith("turn:lb.example.net:3478?transport=udp,")


async def test_a_name_that_gains_an_address_ends_no_call(world: World) -> None:
    found = ["203.0.113.20"]

    async def look_up(name: str) -> tuple[str, ...]:
        return tuple(sorted(found)) if name == "lb.example.net" else ()

    def start() -> None:
        object.__setattr__(world.context, "reach", Reach(lookup=look_up))

    start()
    world.give_addresses({"demo-turn": "lb.example.net"})
    await world.settle()
    found.append("203.0.113.10")
    start()
    await world.settle()
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.20"

    found.remove("203.0.113.20")
    start()
    await world.settle()
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.10"


async def test_a_name_that_does_not_resolve_is_told(world: World) -> None:
    world.change(turn={"exposure": {"type": "NodePort", "address": "turn.example.net"}})
    await world.settle()
    message = world.condition("TurnReady")["message"]
    assert "spec.turn.exposure.address is turn.example.net" in message
    assert world.condition("LivekitReady")["status"] == "True"


async def test_a_service_that_gets_no_address_asks_for_one(world: World) -> None:
    world.change(turn={"exposure": {"type": "NodePort"}})
    await world.settle()
    message = world.condition("TurnReady")["message"]
    assert "Service demo-turn is of type NodePort" in message
    assert "set spec.turn.exposure.address" in message

    world.change(turn={"exposure": {"type": "NodePort", "address": "203.0.113.30"}})
    await world.settle()
    assert world.condition("TurnReady")["status"] == "True"
    assert find_variable(world, "demo-turn", "PUBLIC_IP") == "203.0.113.30"


async def test_a_missing_secret_degrades_calls_and_nothing_else(world: World) -> None:
    await world.settle()
    external = {"url": "wss://rtc.example.org", "credentialsSecretRef": {"name": "rtc"}}
    world.change(livekit={"external": external}, api={"extraEnv": [{"name": "A", "value": "b"}]})
    await world.settle()

    condition = world.condition("LivekitReady")
    assert (condition["status"], condition["reason"]) == ("False", "NotConfigured")
    assert condition["message"].startswith("spec.livekit.external.credentialsSecretRef.name:")
    assert world.condition("Stalled")["status"] == "False"
    assert world.condition("Degraded")["status"] == "True"
    assert world.condition("Reconciling")["status"] == "False"
    # The core goes on being rolled out.
    assert find_variable(world, "demo-api", "A") == "b"


async def test_calls_that_are_switched_off_are_taken_away(world: World) -> None:
    await world.settle()
    world.change(livekit={"enabled": False})
    await world.settle()

    assert not {"demo-livekit", "demo-turn"} & world.cluster.names("Deployment")
    assert not {"demo-livekit", "demo-livekit-rtc", "demo-turn"} & world.cluster.names("Service")
    assert component(world, "livekit")["mode"] == component(world, "turn")["mode"] == "disabled"
    assert world.condition("Ready")["status"] == "True"
    # Keys outlive it, as every Secret does.
    assert "demo-livekit" in world.cluster.names("Secret")


async def test_calls_without_a_way_in_are_told_as_such(world: World) -> None:
    world.change(exposure={"type": "ClusterIP"})
    await world.settle()
    assert component(world, "livekit")["mode"] == "unavailable"
    assert "spec.livekit.embedded.exposure" in component(world, "livekit")["message"]
    assert world.condition("Ready")["status"] == "True"


async def test_services_that_are_refused_hold_back_no_messaging(world: World) -> None:
    world.cluster.refused[("Service", "demo-turn")] = "exceeded quota: services.loadbalancers"
    await world.settle()

    for part in ("Postgres", "Worker", "Api", "Websocket", "Media", "Edge"):
        assert world.condition(f"{part}Ready")["status"] == "True", part
    # The edge needs the name of signalling to start.
    assert "demo-livekit" in world.cluster.names("Service")
    assert "demo-prometheus" in world.cluster.names("StatefulSet")
    stalled = world.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "ObjectRefused")
    assert "services.loadbalancers" in stalled["message"]

    world.cluster.refused.clear()
    await world.settle()
    assert world.condition("TurnReady")["status"] == "True"
    assert world.condition("Ready")["status"] == "True"


async def test_a_refused_part_holds_back_no_other_one(world: World) -> None:
    world.cluster.refused[("Deployment", "demo-livekit")] = "no such priority class"
    await world.settle()

    assert world.condition("TurnReady")["status"] == "True"
    assert world.condition("GrafanaReady")["status"] == "True"
    assert world.condition("Stalled")["message"].startswith("spec.livekit: the API server refused")
    condition = world.condition("LivekitReady")
    assert (condition["status"], condition["reason"]) == ("False", "NotConfigured")
    assert "no such priority class" in condition["message"]
