"""Connection Secrets: whatever the mode, services find the keys of the contract."""

import base64
from typing import Any

import pytest
from support.fake_cluster import FakeCluster
from support.messengers import SECRET_KEYS, make_messenger

from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode
from supmessenger_operator.model.inputs import SecretFact
from supmessenger_operator.model.outcome import Stalled


async def ensure(cluster: FakeCluster, spec: dict[str, Any]) -> dict[str, SecretFact]:
    messenger = make_messenger(spec=spec)
    secrets = InstanceSecrets(cluster, messenger)
    await secrets.load()
    await ensure_connections(secrets, messenger)
    return secrets.facts


def values_of(cluster: FakeCluster, name: str) -> dict[str, str]:
    return decode(cluster.objects[("Secret", "chat", name)])


async def bring(cluster: FakeCluster, name: str, **values: str) -> None:
    await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "chat"},
            "data": {
                key.replace("_", "-"): base64.b64encode(value.encode()).decode()
                for key, value in values.items()
            },
        }
    )


async def test_every_secret_of_the_contract_is_made_with_its_keys() -> None:
    cluster = FakeCluster()
    facts = await ensure(cluster, {})

    # What only some resources ask for.
    optional = {"smtp", "tls", "remote-write", "kafka", "web-push", "web-push-public", "fcm"}
    for component in SECRET_KEYS.keys() - optional:
        wanted = set(SECRET_KEYS[component]) - {"client-id", "client-secret"}
        assert wanted <= set(facts[component].keys), component
    assert "smtp" not in facts


async def test_roles_and_connections_agree() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {})
    roles = values_of(cluster, "demo-postgres-roles")

    assert values_of(cluster, "demo-postgres")["password"] == roles["sup_user"]
    assert values_of(cluster, "demo-postgres-owner")["password"] == roles["sup_owner"]
    assert values_of(cluster, "demo-postgres-owner")["username"] == "sup_owner"
    assert values_of(cluster, "demo-postgres-monitor")["password"] == roles["sup_monitor"]
    assert len(set(roles.values())) == 5


async def test_the_broker_s_users_have_passwords_of_their_own() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {})
    admin = values_of(cluster, "demo-rabbitmq-admin")

    assert len({admin["password"], admin["sup"], admin["sup_b"], admin["erlang-cookie"]}) == 4
    assert values_of(cluster, "demo-rabbitmq")["password"] == admin["sup"]


async def test_keys_have_the_strength_the_contract_names() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {})
    credentials = values_of(cluster, "demo-credentials")

    def length(text: str) -> int:
        return len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    assert length(credentials["jwt-secret"]) == 64
    assert length(credentials["encryption-key"]) == 32


async def test_the_second_time_nothing_is_written() -> None:
    cluster = FakeCluster()
    first = await ensure(cluster, {})
    before = list(cluster.writes)

    assert await ensure(cluster, {}) == first
    assert cluster.writes == before


async def test_an_existing_secret_is_adopted_and_never_overwritten() -> None:
    cluster = FakeCluster()
    await bring(cluster, "demo-credentials", jwt_secret="a", session_secret="b", encryption_key="c")
    await ensure(cluster, {})

    assert values_of(cluster, "demo-credentials")["jwt-secret"] == "a"


async def test_an_existing_secret_that_lacks_a_key_is_named() -> None:
    cluster = FakeCluster()
    await bring(cluster, "demo-credentials", jwt_secret="a")

    with pytest.raises(Stalled, match="demo-credentials has no key session-secret"):
        await ensure(cluster, {})


async def test_keys_that_people_bring_are_used_and_followed() -> None:
    cluster = FakeCluster()
    await bring(cluster, "mine", token="first")
    spec = {"credentials": {"jwtSecretRef": {"name": "mine", "key": "token"}}}
    first = await ensure(cluster, spec)
    kept = values_of(cluster, "demo-credentials")["session-secret"]
    assert values_of(cluster, "demo-credentials")["jwt-secret"] == "first"

    cluster.edit("Secret", "chat", "mine", data={"token": base64.b64encode(b"second").decode()})
    second = await ensure(cluster, spec)

    assert values_of(cluster, "demo-credentials")["jwt-secret"] == "second"
    assert values_of(cluster, "demo-credentials")["session-secret"] == kept
    assert first["credentials"].hash != second["credentials"].hash


async def test_external_services_end_in_the_same_connection_secrets() -> None:
    cluster = FakeCluster()
    await bring(cluster, "db", username="u", password="p", owner_username="o", owner_password="q")
    await bring(cluster, "s3", access_key_id="k", secret_access_key="s")
    ref = {"credentialsSecretRef": {"name": "db"}}
    facts = await ensure(
        cluster,
        {
            "postgres": {"external": {"host": "db.example.org", **ref}},
            "redis": {"external": {"cache": {"host": "c"}, "state": {"host": "s", **ref}}},
            "rabbitmq": {"external": {"host": "mq", **ref}},
            "objectStorage": {
                "external": {
                    "endpoint": "https://s3.example.org",
                    "credentialsSecretRef": {"name": "s3"},
                }
            },
        },
    )

    postgres = values_of(cluster, "demo-postgres")
    assert (postgres["host"], postgres["username"], postgres["sslmode"]) == (
        "db.example.org",
        "u",
        "verify-full",
    )
    assert values_of(cluster, "demo-postgres-owner")["username"] == "o"
    assert values_of(cluster, "demo-redis-state")["password"] == "p"
    assert values_of(cluster, "demo-rabbitmq")["host"] == "mq"
    assert values_of(cluster, "demo-object-storage-media")["bucket-prefix"] == "demo-"
    assert "postgres-roles" not in facts
    for component in ("postgres", "redis-cache", "rabbitmq", "object-storage-media"):
        assert set(SECRET_KEYS[component]) - {"provider"} <= set(facts[component].keys)


async def test_a_secret_without_the_key_is_named_with_the_field() -> None:
    cluster = FakeCluster()
    await bring(cluster, "db", username="u")

    with pytest.raises(Stalled, match="the Secret db has no key password; add it") as refusal:
        await ensure(
            cluster,
            {"postgres": {"external": {"host": "h", "credentialsSecretRef": {"name": "db"}}}},
        )

    assert refusal.value.field == "spec.postgres.external.credentialsSecretRef.name"
    assert refusal.value.is_outside
