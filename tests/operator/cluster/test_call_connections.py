"""Secrets of calls: made once, followed when they are a person's, never in the core's way."""

import base64
from typing import Any

import pytest
from support.fake_cluster import FakeCluster
from support.messengers import make_messenger

from supmessenger_operator.cluster.call_connections import ensure_call_connections
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode

LIVEKIT = {
    "livekit": {
        "external": {"url": "wss://rtc.example.org", "credentialsSecretRef": {"name": "rtc"}}
    }
}
TURN = {
    "turn": {"external": {"uris": ["turn:t.example.org"], "sharedSecretRef": {"name": "relay"}}}
}


async def ensure(cluster: FakeCluster, spec: dict[str, Any]) -> InstanceSecrets:
    messenger = make_messenger(spec=spec)
    secrets = InstanceSecrets(cluster, messenger)
    await secrets.load()
    await ensure_call_connections(secrets, messenger)
    return secrets


def values_of(cluster: FakeCluster, name: str) -> dict[str, str]:
    return decode(cluster.objects[("Secret", "chat", name)])


async def bring(cluster: FakeCluster, name: str, **values: str) -> None:
    data = {
        key.replace("_", "-"): base64.b64encode(value.encode()).decode()
        for key, value in values.items()
    }
    metadata = {"name": name, "namespace": "chat"}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


async def test_keys_are_made_once_and_stay() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {})
    livekit, turn = values_of(cluster, "demo-livekit"), values_of(cluster, "demo-turn")

    assert livekit["url"] == "ws://demo-livekit:7880"
    assert livekit["public-url"] == "wss://chat.example.org/livekit"
    assert livekit["api-key"].startswith("API")
    assert len(livekit["api-secret"]) >= 32  # LiveKit complains of shorter ones
    assert len(turn["shared-secret"]) >= 32

    await ensure(cluster, {})
    assert values_of(cluster, "demo-livekit") == livekit
    assert values_of(cluster, "demo-turn") == turn


async def test_without_tls_clients_come_without_it() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {})
    key = values_of(cluster, "demo-livekit")["api-key"]
    await ensure(cluster, {"tls": {"disabled": {}}})
    changed = values_of(cluster, "demo-livekit")
    assert changed["public-url"] == "ws://chat.example.org/livekit"
    assert changed["api-key"] == key


async def test_what_is_off_has_no_secret() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {"livekit": {"enabled": False}})
    assert cluster.names("Secret") == set()


async def test_external_ones_are_followed() -> None:
    cluster = FakeCluster()
    await bring(cluster, "rtc", api_key="k", api_secret="s1")
    await bring(cluster, "relay", shared_secret="r")
    spec = {**LIVEKIT, **TURN}
    secrets = await ensure(cluster, spec)
    assert secrets.problems == {}
    livekit = values_of(cluster, "demo-livekit")
    assert (livekit["public-url"], livekit["api-secret"]) == ("wss://rtc.example.org", "s1")
    assert values_of(cluster, "demo-turn")["shared-secret"] == "r"

    changed = {"api-secret": base64.b64encode(b"s2").decode()}
    cluster.edit("Secret", "chat", "rtc", data=changed)
    await ensure(cluster, spec)
    assert values_of(cluster, "demo-livekit")["api-secret"] == "s2"


async def test_keys_of_another_server_are_not_taken_for_our_own() -> None:
    cluster = FakeCluster()
    await bring(cluster, "rtc", api_key="k", api_secret="s")
    await bring(cluster, "relay", shared_secret="r")
    await ensure(cluster, {**LIVEKIT, **TURN})
    await ensure(cluster, {})
    assert values_of(cluster, "demo-livekit")["api-secret"] != "s"
    assert values_of(cluster, "demo-livekit")["url"] == "ws://demo-livekit:7880"
    assert values_of(cluster, "demo-turn")["shared-secret"] != "r"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "there is no Secret rtc in namespace chat; create it with api-key and api-secret"),
        ({"api_key": "k"}, "the Secret rtc has no key api-secret; add it"),
    ],
)
async def test_a_secret_that_is_not_good_is_a_problem_of_calls_alone(
    given: dict[str, str], said: str
) -> None:
    cluster = FakeCluster()
    if given:
        await bring(cluster, "rtc", **given)
    secrets = await ensure(cluster, LIVEKIT)
    assert secrets.problems == {
        "livekit": f"spec.livekit.external.credentialsSecretRef.name: {said}"
    }
    assert "livekit" not in secrets.facts
    assert "turn" in secrets.facts


async def test_a_secret_that_was_good_goes_on_being_used() -> None:
    cluster = FakeCluster()
    await bring(cluster, "relay", shared_secret="r")
    before = (await ensure(cluster, TURN)).facts["turn"]
    cluster.remove("Secret", "chat", "relay")
    secrets = await ensure(cluster, TURN)
    assert "spec.turn.external.sharedSecretRef" in secrets.problems["turn"]
    assert secrets.facts["turn"] == before
