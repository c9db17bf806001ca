"""Which pod may talk to which, and to whom outside."""

from typing import Any

from support.deployables import build_all, list_deployables, to_plain
from support.messengers import make_messenger

from supmessenger_operator.model import Messenger

_COMPONENT = "app.kubernetes.io/component"


def list_policies(messenger: Messenger) -> dict[str, dict[str, Any]]:
    """Return the policies by the component they protect; "" is the one for all."""
    return {
        policy["spec"]["podSelector"]["matchLabels"].get(_COMPONENT, ""): policy["spec"]
        for policy in (
            to_plain(built) for built in build_all(messenger) if built.kind == "NetworkPolicy"
        )
    }


def list_flows(messenger: Messenger, direction: str) -> set[tuple[str, str, int]]:
    """Return (from, to, port) between components of the instance."""
    peers = {"ingress": "from", "egress": "to"}[direction]
    return {
        (other, own, port["port"]) if direction == "ingress" else (own, other, port["port"])
        for own, spec in list_policies(messenger).items()
        for rule in spec[direction]
        for peer in rule.get(peers, [])
        for port in rule["ports"]
        if "podSelector" in peer
        for other in [peer["podSelector"]["matchLabels"][_COMPONENT]]
    }


def test_nothing_is_allowed_that_is_not_named() -> None:
    everyone = list_policies(make_messenger())[""]
    assert everyone["policyTypes"] == ["Ingress", "Egress"]
    assert everyone["ingress"] == []
    assert {port["port"] for rule in everyone["egress"] for port in rule["ports"]} == {53}


def test_every_pod_has_a_policy_of_its_own(sample: Messenger) -> None:
    components = {one.component for one in list_deployables(build_all(sample))}
    assert components <= set(list_policies(sample))


def test_both_ends_of_a_flow_allow_it(sample: Messenger) -> None:
    assert list_flows(sample, "ingress") == list_flows(sample, "egress")


def test_the_flows_are_those_of_the_architecture() -> None:
    flows = list_flows(make_messenger(), "ingress")
    database = {source for source, target, _ in flows if target == "postgres"}
    services = {"api", "websocket", "media", "worker"}
    assert database == {*services, "migrations", "backup", "exporters"}
    brokers = {source for source, target, port in flows if (target, port) == ("rabbitmq", 5672)}
    assert brokers == {"media", "worker"}
    services = {source for source, target, port in flows if (target, port) == ("api", 3000)}
    assert services == {"edge", "worker", "livekit"}
    assert not [flow for flow in flows if flow[0] in ("postgres", "redis-cache", "rabbitmq")]
    assert ("edge", "postgres", 5432) not in flows


def test_the_object_store_is_never_reached_from_the_edge() -> None:
    flows = list_flows(make_messenger(), "ingress")
    users = {source for source, target, _ in flows if target == "object-storage"}
    assert users == {"media", "worker", "backup", "object-storage-setup", "prometheus"}


def test_people_reach_only_the_edge_the_operator_the_worker_and_the_shipper_loki() -> None:
    policies = list_policies(make_messenger())
    open_to_all = {
        component
        for component, spec in policies.items()
        for rule in spec["ingress"]
        if "from" not in rule
    }
    # No proxy carries media: callers come to where it is made.
    assert open_to_all == {"edge", "livekit", "turn"}
    outside = [
        (component, peer["namespaceSelector"]["matchLabels"], rule["ports"])
        for component, spec in policies.items()
        for rule in spec["ingress"]
        for peer in rule.get("from", [])
        if "namespaceSelector" in peer
    ]
    assert outside == [
        (component, {"kubernetes.io/metadata.name": namespace}, [{"port": port, "protocol": "TCP"}])
        for component, namespace, port in (
            ("worker", "sup-system", 3004),
            ("loki", "sup-agents", 3100),
        )
    ]


def test_outside_services_are_reached_on_their_port_by_their_users() -> None:
    spec = {
        "postgres": {
            "external": {
                "host": "db.example.org",
                "port": 6543,
                "credentialsSecretRef": {"name": "x"},
            }
        },
        "smtp": {"host": "smtp.example.org", "port": 465, "from": "a@example.org"},
    }
    policies = list_policies(make_messenger(spec=spec))
    ports = {
        component: {
            port["port"] for rule in spec["egress"] if "to" not in rule for port in rule["ports"]
        }
        for component, spec in policies.items()
        if component
    }
    assert ports["worker"] == {6543, 465}
    assert ports["api"] == ports["migrations"] == {6543}
    assert ports["edge"] == ports["redis-cache"] == set()


def test_they_can_be_switched_off() -> None:
    spec = {"security": {"networkPolicies": {"enabled": False}}}
    assert list_policies(make_messenger(spec=spec)) == {}


def test_media_comes_in_by_its_own_ports_only() -> None:
    policies = list_policies(make_messenger())
    opened = {
        component: [
            (port["protocol"], port["port"], port.get("endPort"))
            for rule in policies[component]["ingress"]
            if "from" not in rule
            for port in rule["ports"]
        ]
        for component in ("livekit", "turn")
    }
    assert opened == {
        "livekit": [("TCP", 7881, None), ("UDP", 7882, None)],
        "turn": [
            ("TCP", 3478, None),
            ("UDP", 3478, None),
            ("TCP", 5349, None),
            ("UDP", 49152, 49200),
        ],
    }


def test_the_relay_reaches_livekit_and_nothing_else() -> None:
    relay = list_policies(make_messenger())["turn"]["egress"]
    to_pod, to_address = relay
    assert to_pod["to"][0]["podSelector"]["matchLabels"][_COMPONENT] == "livekit"
    assert to_address["to"] == [{"ipBlock": {"cidr": "198.51.100.11/32"}}]
    for rule in relay:
        assert rule["ports"] == [{"port": 7882, "protocol": "UDP"}]


def test_the_relay_of_an_external_livekit_reaches_no_private_network() -> None:
    external = {"url": "wss://rtc.example.org", "credentialsSecretRef": {"name": "rtc"}}
    policies = list_policies(make_messenger(spec={"livekit": {"external": external}}))
    assert "livekit" not in policies
    (rule,) = policies["turn"]["egress"]
    assert rule["ports"] == [{"protocol": "UDP"}]
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(rule["to"][0]["ipBlock"]["except"])
    for component in ("api", "worker"):
        outer = [
            port["port"]
            for rule in policies[component]["egress"]
            if "to" not in rule
            for port in rule["ports"]
        ]
        assert outer == [443]


def test_livekit_tells_the_api_and_keeps_rooms_in_the_state_store() -> None:
    flows = list_flows(make_messenger(), "egress")
    assert {(target, port) for source, target, port in flows if source == "livekit"} == {
        ("api", 3000),
        ("redis-state", 6379),
    }


def test_grafana_may_ask_who_signs_on_and_nothing_else_outside() -> None:
    def list_outer(spec: dict[str, Any]) -> list[int]:
        rules = list_policies(make_messenger(spec=spec))["grafana"]["egress"]
        return [port["port"] for rule in rules if "to" not in rule for port in rule["ports"]]

    oidc = {
        "issuer": "https://id.example.org",
        "authorizationUrl": "https://id.example.org:8444/authorize",
        "tokenUrl": "https://id.example.org:8445/token",
        "userInfoUrl": "https://id.example.org/userinfo",
        "clientSecretRef": {"name": "grafana-client"},
    }
    assert list_outer({}) == []
    assert list_outer({"monitoring": {"grafana": {"oidc": oidc}}}) == [443, 8445]
