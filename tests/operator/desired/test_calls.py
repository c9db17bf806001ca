"""LiveKit and the relay: what they are told, and that they wait for an address."""

from typing import Any

import pytest
import yaml
from support.deployables import to_plain
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired import build_objects
from supmessenger_operator.desired.turn import TurnServer, list_uris, parse_uri
from supmessenger_operator.model import Inputs, Messenger
from supmessenger_operator.model.inputs import PublicAddress

NOWHERE = PublicAddress(problem="no address yet")
EXTERNAL_LIVEKIT = {"url": "wss://rtc.example.org", "credentialsSecretRef": {"name": "rtc"}}
EXTERNAL_TURN = {"uris": ["turns:turn.example.net"], "sharedSecretRef": {"name": "relay"}}


def build(messenger: Messenger, **facts: Any) -> dict[tuple[str, str], dict[str, Any]]:
    inputs: Inputs = make_inputs(messenger).model_copy(update=facts)
    return {(one.kind, one.name): to_plain(one) for one in build_objects(messenger, inputs)}


def read_config(objects: dict[tuple[str, str], dict[str, Any]], name: str, file: str) -> str:
    return str(objects[("ConfigMap", name)]["data"][file])


def read_variables(objects: dict[tuple[str, str], dict[str, Any]], name: str) -> dict[str, str]:
    (container,) = objects[("Deployment", name)]["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def test_without_an_address_there_is_a_service_to_get_one_and_no_pod() -> None:
    objects = build(make_messenger(), livekit_address=NOWHERE, turn_address=NOWHERE)
    assert ("Service", "demo-livekit-rtc") in objects
    assert ("Service", "demo-turn") in objects
    assert ("Service", "demo-livekit") in objects  # which the edge looks up when it starts
    assert not {name for kind, name in objects if kind == "Deployment"} & {
        "demo-livekit",
        "demo-turn",
    }
    assert read_variables(objects, "demo-api")["SUP_TURN_URIS"] == ""


def test_another_address_is_another_configuration_and_rolls_the_pods() -> None:
    messenger = make_messenger()
    before = build(messenger)
    moved = PublicAddress(host="203.0.113.7", ip="203.0.113.7")
    after = build(messenger, livekit_address=moved, turn_address=moved)
    for name in ("demo-livekit", "demo-turn"):
        template = [one[("Deployment", name)]["spec"]["template"] for one in (before, after)]
        assert template[0] != template[1]
    config = yaml.safe_load(read_config(after, "demo-livekit", "livekit.yaml"))
    assert config["rtc"]["node_ip"] == "203.0.113.7"
    assert read_variables(after, "demo-turn")["PUBLIC_IP"] == "203.0.113.7"
    assert (
        "turn:203.0.113.7:3478?transport=udp" in read_variables(after, "demo-api")["SUP_TURN_URIS"]
    )


def test_an_address_that_was_lost_leaves_the_pods_as_they_are() -> None:
    messenger = make_messenger()
    known = make_inputs(messenger).livekit_address
    lost = known.model_copy(update={"problem": "the Service has none"})
    assert build(messenger) == build(messenger, livekit_address=lost)


def test_livekit_is_told_its_ports_its_address_and_the_relay() -> None:
    config = yaml.safe_load(read_config(build(make_messenger()), "demo-livekit", "livekit.yaml"))
    assert config["port"] == 7880
    assert config["prometheus"] == {"port": 6789}
    relays = config["rtc"].pop("turn_servers")
    assert config["rtc"] == {
        "tcp_port": 7881,
        "udp_port": 7882,
        "node_ip": "198.51.100.11",
        "use_external_ip": False,
    }
    assert [(one["host"], one["port"], one["protocol"]) for one in relays] == [
        ("198.51.100.12", 3478, "udp"),
        ("198.51.100.12", 3478, "tcp"),
        ("198.51.100.12", 5349, "tls"),
    ]
    assert {one["secret_file"] for one in relays} == {"/bindings/turn/shared-secret"}


def test_the_relay_lets_nobody_reach_anything_but_livekit() -> None:
    config = read_config(build(make_messenger()), "demo-turn", "turnserver.conf").splitlines()
    assert [line for line in config if line.startswith("allowed-peer-ip")] == [
        "allowed-peer-ip=198.51.100.11"
    ]
    assert "denied-peer-ip=0.0.0.0-255.255.255.255" in config
    assert "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" in config
    assert {"no-tcp-relay", "no-multicast-peers", "use-auth-secret", "no-cli"} <= set(config)


def test_the_relay_reaches_nothing_until_livekit_has_an_address() -> None:
    objects = build(make_messenger(), livekit_address=NOWHERE)
    config = read_config(objects, "demo-turn", "turnserver.conf")
    assert "allowed-peer-ip" not in config
    assert "denied-peer-ip=0.0.0.0-255.255.255.255" in config


def test_with_an_external_livekit_the_relay_refuses_every_private_range() -> None:
    messenger = make_messenger(spec={"livekit": {"external": EXTERNAL_LIVEKIT}})
    objects = build(messenger)
    config = read_config(objects, "demo-turn", "turnserver.conf")
    for first in ("10.0.0.0", "100.64.0.0", "127.0.0.0", "169.254.0.0", "224.0.0.0"):
        assert f"denied-peer-ip={first}-" in config
    assert ("Deployment", "demo-livekit") not in objects
    assert ("Service", "demo-livekit-rtc") not in objects
    assert "/livekit" not in read_config(objects, "demo-edge", "nginx.conf")
    worker = read_variables(objects, "demo-worker")
    assert worker["SUP_CHECK_LIVEKIT_URL"] == "https://rtc.example.org"


def test_external_relays_are_told_as_they_are_given() -> None:
    messenger = make_messenger(spec={"turn": {"external": EXTERNAL_TURN}})
    objects = build(messenger)
    assert read_variables(objects, "demo-api")["SUP_TURN_URIS"] == "turns:turn.example.net"
    assert ("Deployment", "demo-turn") not in objects
    config = yaml.safe_load(read_config(objects, "demo-livekit", "livekit.yaml"))
    assert config["rtc"]["turn_servers"][0]["host"] == "turn.example.net"
    # It listens for TLS alone, which a STUN binding over UDP can't ask.
    assert read_variables(objects, "demo-worker")["SUP_CHECK_TURN_ADDRESS"] == ""


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("turn:t.example.org", TurnServer("t.example.org", 3478, "udp")),
        ("turn:t.example.org:80?transport=tcp", TurnServer("t.example.org", 80, "tcp")),
        ("turns:t.example.org", TurnServer("t.example.org", 5349, "tls")),
        ("turns:t.example.org:443?transport=tcp", TurnServer("t.example.org", 443, "tls")),
    ],
)
def test_a_turn_uri_has_the_defaults_of_its_scheme(uri: str, server: TurnServer) -> None:
    assert parse_uri(uri) == server


def test_tls_is_told_only_where_the_certificate_covers_the_relay() -> None:
    by_name = PublicAddress(host="turn.example.org", ip="203.0.113.7")
    own = make_messenger(spec={"tls": {"secretRef": {"name": "chat-tls"}}})
    assert [uri for uri in list_uris(own, make_inputs(own)) if uri.startswith("turns:")] == []
    named = make_inputs(own).model_copy(update={"turn_address": by_name})
    assert "turns:turn.example.org:5349?transport=tcp" in list_uris(own, named)
    plain = make_messenger(
        spec={"tls": {"disabled": {}}, "livekit": {"enabled": True}, "turn": {"enabled": True}}
    )
    objects = build(plain)
    assert "tls-listening-port" not in read_config(objects, "demo-turn", "turnserver.conf")
    ports = {one["name"] for one in objects[("Service", "demo-turn")]["spec"]["ports"]}
    assert "turn-tls" not in ports


def test_the_service_of_the_relay_has_every_relay_port() -> None:
    messenger = make_messenger(spec={"turn": {"relayPorts": {"min": 50000, "max": 50009}}})
    objects = build(messenger)
    service = objects[("Service", "demo-turn")]["spec"]
    assert service["type"] == "LoadBalancer"
    assert service["externalTrafficPolicy"] == "Local"
    relayed = {p["port"] for p in service["ports"] if p["name"].startswith("relay-")}
    assert relayed == set(range(50000, 50010))
    config = read_config(objects, "demo-turn", "turnserver.conf").splitlines()
    assert {"min-port=50000", "max-port=50009", "total-quota=10", "user-quota=10"} <= set(config)


def test_what_is_off_leaves_no_trace() -> None:
    objects = build(make_messenger(spec={"livekit": {"enabled": False}}))
    assert not [name for _, name in objects if "livekit" in name or "turn" in name]
    assert "livekit" not in read_config(objects, "demo-edge", "nginx.conf")
    mounts = objects[("Deployment", "demo-api")]["spec"]["template"]["spec"]["volumes"]
    assert not {"binding-livekit", "binding-turn"} & {one["name"] for one in mounts}


def test_an_image_that_can_not_be_had_takes_calls_alone() -> None:
    messenger = make_messenger()
    images = {**make_inputs(messenger).images, "livekit": ""}
    objects = build(messenger, images=images)
    assert ("Deployment", "demo-livekit") not in objects
    assert ("Service", "demo-livekit-rtc") not in objects
    assert ("Deployment", "demo-api") in objects
    assert "livekit" not in read_config(objects, "demo-edge", "nginx.conf")


def test_the_edge_passes_signalling_and_not_the_api_of_livekit() -> None:
    config = read_config(build(make_messenger()), "demo-edge", "nginx.conf")
    assert "location /livekit/rtc {" in config
    assert "server demo-livekit:7880" in config
    assert "location /livekit {" not in config


def test_other_types_of_service_are_made_as_asked() -> None:
    exposure = {"type": "NodePort", "address": "203.0.113.7", "annotations": {"a/b": "c"}}
    messenger = make_messenger(
        spec={
            "exposure": {"type": "ClusterIP"},
            "livekit": {"embedded": {"exposure": exposure}},
            "turn": {"exposure": {"type": "ClusterIP", "address": "203.0.113.7"}},
        }
    )
    objects = build(messenger)
    media = objects[("Service", "demo-livekit-rtc")]
    assert media["spec"]["type"] == "NodePort"
    assert "externalTrafficPolicy" not in media["spec"]
    assert media["metadata"]["annotations"] == {"a/b": "c"}
    assert objects[("Service", "demo-turn")]["spec"]["type"] == "ClusterIP"


def test_calls_are_off_by_default_where_media_has_no_way_in() -> None:
    objects = build(make_messenger(spec={"exposure": {"type": "ClusterIP"}}))
    assert ("Service", "demo-livekit-rtc") not in objects
