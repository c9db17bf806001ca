"""Kafka's objects: only when asked for, bounded by its volume, without its password in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.deployables import build_all, to_plain
from support.messengers import make_messenger

from supmessenger_operator.desired.kafka import PARTITIONS, compute_retention
from supmessenger_operator.model import Messenger, Wave
from supmessenger_operator.model.scalars import parse_quantity
from supmessenger_operator.model.sizes import SIZES

EXTERNAL = {"bootstrapServers": ["kafka.example.org:9093"]}


def make_kafka(**fields: Any) -> Messenger:
    return make_messenger(spec={"kafka": {"enabled": True, **fields}})


def read_env(messenger: Messenger, component: str, **inputs: Any) -> dict[str, str]:
    for built in build_all(messenger, **inputs):
        if built.kind == "Deployment" and built.component == component:
            (container,) = to_plain(built)["spec"]["template"]["spec"]["containers"]
            return {one["name"]: one.get("value", "") for one in container["env"]}
    raise AssertionError(component)


def list_kinds(messenger: Messenger, **inputs: Any) -> list[str]:
    return [b.kind for b in build_all(messenger, **inputs) if b.component == "kafka"]


def read_properties(messenger: Messenger) -> dict[str, str]:
    for built in build_all(messenger):
        if built.component == "kafka" and built.kind == "ConfigMap":
            lines = to_plain(built)["data"]["server.properties"].splitlines()
            pairs = (line.partition("=") for line in lines if not line.startswith("#"))
            return {key: value for key, _, value in pairs}
    raise AssertionError("no ConfigMap")


def test_kafka_is_off_by_default() -> None:
    assert list_kinds(make_messenger()) == []
    assert "SUP_EVENTS_ENABLED" not in read_env(make_messenger(), "api")


def test_an_enabled_kafka_comes_last_and_switches_the_events_on() -> None:
    messenger = make_kafka()
    assert list_kinds(messenger) == ["ConfigMap", "Service", "StatefulSet"]
    waves = {built.wave for built in build_all(messenger) if built.component == "kafka"}
    assert waves == {Wave.EXTRAS}
    for component in ("api", "websocket", "worker"):
        assert read_env(messenger, component)["SUP_EVENTS_ENABLED"] == "true"
    assert read_env(messenger, "worker")["SUP_EVENTS_TOPIC"] == "sup.messages"


def test_events_go_elsewhere_without_a_broker_of_ours() -> None:
    messenger = make_kafka(external=EXTERNAL, topic="chat")
    assert list_kinds(messenger) == []
    assert read_env(messenger, "worker")["SUP_EVENTS_TOPIC"] == "chat"


@pytest.mark.parametrize(
    ("kafka", "images"),
    [({}, {"kafka": ""}), ({"strimzi": {}}, {})],
    ids=["without an image", "strimzi"],
)
def test_no_event_is_written_that_nobody_could_take(
    kafka: dict[str, Any], images: dict[str, str]
) -> None:
    messenger = make_kafka(**kafka)
    assert list_kinds(messenger, images=images) == []
    for component in ("api", "websocket", "worker"):
        assert "SUP_EVENTS_ENABLED" not in read_env(messenger, component, images=images)


@pytest.mark.parametrize("size", SIZES)
def test_full_partitions_fit_into_the_volume(size: str) -> None:
    storage = SIZES[size]["kafka"].storage  # type: ignore[index]  # the keys are the sizes
    partition, segment = compute_retention(storage)
    # A partition keeps what it may and, on top, the segment that is written and one to delete.
    assert PARTITIONS * (partition + 2 * segment) < parse_quantity(storage)
    assert segment >= 2**20


def test_clients_elsewhere_are_told_the_outside_address() -> None:
    assert read_properties(make_kafka())["advertised.listeners"] == (
        "INSIDE://demo-kafka.chat.svc:9092,OUTSIDE://localhost:9094"
    )
    opened = make_kafka(embedded={"outsideAddress": "kafka.example.org:31094"})
    assert read_properties(opened)["advertised.listeners"].endswith(
        "OUTSIDE://kafka.example.org:31094"
    )


@pytest.mark.parametrize(
    ("embedded", "is_open"), [({}, False), ({"outsideAddress": "kafka.example.org:9094"}, True)]
)
def test_the_network_policy_opens_the_outside_port_only_when_asked(
    embedded: dict[str, Any], *, is_open: bool
) -> None:
    for built in build_all(make_kafka(embedded=embedded)):
        if built.kind == "NetworkPolicy" and built.name == "demo-kafka":
            rules = to_plain(built)["spec"]["ingress"]
    inside = [rule["ports"][0]["port"] for rule in rules if "from" in rule]
    outside = [rule["ports"][0]["port"] for rule in rules if "from" not in rule]
    assert inside == [9092]
    assert outside == ([9094] if is_open else [])


def test_the_worker_reaches_a_kafka_elsewhere_on_its_ports() -> None:
    for built in build_all(make_kafka(external=EXTERNAL)):
        if built.kind == "NetworkPolicy" and built.name == "demo-worker":
            assert {"ports": [{"port": 9093, "protocol": "TCP"}]} in to_plain(built)["spec"][
                "egress"
            ]


def test_the_login_is_nowhere_but_in_the_secret() -> None:
    for built in build_all(make_kafka()):
        if built.component == "kafka":
            text = json.dumps(to_plain(built))
            assert "user_sup" not in text
            assert "KAFKA_OPTS" not in text
