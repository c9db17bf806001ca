"""Secrets of push: made once, told to browsers, and never in the way of messages."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from support.fake_cluster import FakeCluster
from support.messengers import make_messenger

from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode

FCM = {"fcm": {"serviceAccountSecretRef": {"name": "firebase"}}}


async def ensure(cluster: FakeCluster, **spec: Any) -> InstanceSecrets:
    secrets = InstanceSecrets(cluster, make_messenger(spec=spec))
    await secrets.load()
    await ensure_connections(secrets, secrets._messenger)
    return secrets


def values_of(cluster: FakeCluster, name: str) -> dict[str, str]:
    return decode(cluster.objects[("Secret", "chat", name)])


async def bring(cluster: FakeCluster, name: str, key: str, value: str) -> None:
    await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "chat"},
            "data": {key: base64.b64encode(value.encode()).decode()},
        }
    )


async def test_a_pair_is_made_once_and_its_public_half_told() -> None:
    cluster = FakeCluster()
    await ensure(cluster, push={})
    first = values_of(cluster, "demo-web-push")
    key = load_pem_private_key(first["private-key"].encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert base64.urlsafe_b64decode(first["public-key"] + "=") == point
    assert first["subject"] == "https://chat.example.org"
    told = values_of(cluster, "demo-web-push-public")
    assert told == {"type": "web-push", "public-key": first["public-key"]}

    await ensure(cluster, push={}, adminEmail="admin@example.org")
    second = values_of(cluster, "demo-web-push")
    assert second["private-key"] == first["private-key"]
    assert second["subject"] == "mailto:admin@example.org"


async def test_without_push_nothing_is_made() -> None:
    cluster = FakeCluster()
    facts = (await ensure(cluster)).facts
    assert not {"web-push", "web-push-public", "fcm"} & facts.keys()
    facts = (await ensure(cluster, push={"webPush": {"enabled": False}})).facts
    assert not {"web-push", "web-push-public", "fcm"} & facts.keys()


async def test_the_service_account_is_copied_and_followed() -> None:
    cluster = FakeCluster()
    await bring(cluster, "firebase", "service-account.json", "{}")
    secrets = await ensure(cluster, push=FCM)
    assert secrets.problems == {}
    assert values_of(cluster, "demo-fcm") == {
        "type": "fcm",
        "service-account.json": "{}",
        "endpoint": "https://fcm.googleapis.com",
    }


async def test_a_missing_service_account_is_a_problem_of_push_alone() -> None:
    cluster = FakeCluster()
    secrets = await ensure(cluster, push=FCM)
    assert "there is no Secret firebase" in secrets.problems["push"]
    assert "fcm" not in secrets.facts
    assert "web-push" in secrets.facts

    await bring(cluster, "firebase", "service-account.json", "{}")
    await ensure(cluster, push=FCM)
    cluster.remove("Secret", "chat", "firebase")
    secrets = await ensure(cluster, push=FCM)
    assert "firebase" in secrets.problems["push"]
    # What was in force goes on.
    assert "fcm" in secrets.facts
