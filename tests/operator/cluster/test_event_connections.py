"""The Secret of Kafka in every mode, and what a missing one degrades."""

import base64
from typing import Any

from support.fake_cluster import FakeCluster
from support.messengers import make_messenger

from supmessenger_operator.cluster.event_connections import ensure_event_connection
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode

EXTERNAL = {
    "bootstrapServers": ["a.example.org:9093", "b.example.org:9093"],
    "saslMechanism": "SCRAM-SHA-512",
    "credentialsSecretRef": {"name": "login"},
    "caSecretRef": {"name": "authority"},
}


async def ensure(cluster: FakeCluster, **kafka: Any) -> InstanceSecrets:
    messenger = make_messenger(spec={"kafka": {"enabled": True, **kafka}})
    secrets = InstanceSecrets(cluster, messenger)
    await secrets.load()
    await ensure_event_connection(secrets, messenger)
    return secrets


def read(cluster: FakeCluster) -> dict[str, str]:
    return decode(cluster.objects[("Secret", "chat", "demo-kafka")])


async def bring(cluster: FakeCluster, name: str, **values: str) -> None:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": "chat"}
    await cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


async def test_our_own_broker_gets_a_login_and_an_identity_once() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    made = read(cluster)
    assert made["bootstrap-servers"] == "demo-kafka.chat.svc:9092"
    assert made["security-protocol"] == "SASL_PLAINTEXT"
    assert len(made["password"]) >= 32
    # Kafka takes 16 bytes, base64url without padding.
    assert len(base64.urlsafe_b64decode(made["cluster-id"] + "==")) == 16
    await ensure(cluster)
    assert read(cluster) == made


async def test_a_kafka_elsewhere_is_spoken_to_as_the_resource_says() -> None:
    cluster = FakeCluster()
    await bring(cluster, "login", username="chat", password="known")
    await bring(cluster, "authority", **{"ca.crt": "PEM"})
    await ensure(cluster, external=EXTERNAL)
    assert read(cluster) == {
        "type": "kafka",
        "provider": "external",
        "bootstrap-servers": "a.example.org:9093,b.example.org:9093",
        "security-protocol": "SASL_SSL",
        "sasl-mechanism": "SCRAM-SHA-512",
        "username": "chat",
        "password": "known",
        "ca.crt": "PEM",
    }


async def test_without_credentials_and_tls_nothing_is_made_up() -> None:
    cluster = FakeCluster()
    await ensure(cluster, external={"bootstrapServers": ["a.example.org:9092"]})
    assert read(cluster)["security-protocol"] == "PLAINTEXT"


async def test_a_missing_login_is_a_problem_of_kafka_alone() -> None:
    cluster = FakeCluster()
    secrets = await ensure(cluster, external=EXTERNAL)
    assert "there is no Secret login in namespace chat" in secrets.problems["kafka"]
    assert "kafka" not in secrets.facts


async def test_a_lost_login_leaves_the_connection_as_it_was() -> None:
    cluster = FakeCluster()
    await bring(cluster, "login", username="chat", password="known")
    await bring(cluster, "authority", **{"ca.crt": "PEM"})
    await ensure(cluster, external=EXTERNAL)
    del cluster.objects[("Secret", "chat", "login")]
    secrets = await ensure(cluster, external=EXTERNAL)
    assert "kafka" in secrets.facts
    assert read(cluster)["password"] == "known"


async def test_a_broker_of_ours_never_gets_the_login_of_one_elsewhere() -> None:
    cluster = FakeCluster()
    await bring(cluster, "login", username="chat", password="known")
    await bring(cluster, "authority", **{"ca.crt": "PEM"})
    await ensure(cluster, external=EXTERNAL)
    await ensure(cluster)
    assert read(cluster)["provider"] == "sup-operator"
    assert read(cluster)["password"] != "known"


async def test_nothing_is_made_where_no_events_are_sent() -> None:
    cluster = FakeCluster()
    messenger = make_messenger(spec={"kafka": {"enabled": False}})
    secrets = InstanceSecrets(cluster, messenger)
    await secrets.load()
    await ensure_event_connection(secrets, messenger)
    assert ("Secret", "chat", "demo-kafka") not in cluster.objects
