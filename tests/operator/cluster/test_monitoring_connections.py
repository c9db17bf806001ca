"""Secrets of monitoring: made once, following what they are made of, refused with the field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.fake_cluster import FakeCluster
from support.messengers import make_messenger

from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode, encode


async def ensure(cluster: FakeCluster, spec: dict[str, Any] | None = None) -> InstanceSecrets:
    """Gather the Secrets of one pass."""
    secrets = InstanceSecrets(cluster, make_messenger(spec=spec))
    await secrets.load()
    await ensure_connections(secrets, make_messenger(spec=spec))
    return secrets


def values_of(cluster: FakeCluster, name: str) -> dict[str, str]:
    """Return what a Secret holds."""
    return decode(cluster.objects["Secret", "chat", name])


async def give(cluster: FakeCluster, name: str, **values: str) -> None:
    """Make a Secret as a person would."""
    await cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "chat"},
            "data": {key.replace("_", "-"): encode(value) for key, value in values.items()},
        }
    )


async def test_the_exporter_gets_the_password_of_each_redis() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    passwords = json.loads(values_of(cluster, "demo-redis-monitor")["passwords.json"])
    users = values_of(cluster, "demo-redis-users")
    assert passwords == {
        f"redis://{user}demo-redis-{part}:6379": users[f"redis-{part}"]
        for part in ("cache", "state")
        for user in ("", "sup_monitor@")
    }
    services = {values_of(cluster, f"demo-redis-{part}")["password"] for part in ("cache", "state")}
    assert not services & set(passwords.values())


async def test_an_older_instance_gets_the_user_that_watches_and_keeps_the_passwords() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    before = values_of(cluster, "demo-redis-cache")
    cluster.remove("Secret", "chat", "demo-redis-users")
    full = json.dumps({"redis://demo-redis-cache:6379": before["password"]})
    cluster.edit("Secret", "chat", "demo-redis-monitor", data={"passwords.json": encode(full)})
    first = await ensure(cluster)
    assert values_of(cluster, "demo-redis-cache") == before
    monitor = values_of(cluster, "demo-redis-monitor")["passwords.json"]
    assert before["password"] not in monitor
    assert values_of(cluster, "demo-redis-users")["redis-cache"] in monitor
    second = await ensure(cluster)
    assert second.facts["redis-users"] == first.facts["redis-users"]
    assert second.facts["redis-monitor"] == first.facts["redis-monitor"]


@pytest.mark.parametrize("lost", ["demo-redis-users", "demo-redis-monitor"])
async def test_either_secret_is_made_again_from_the_other(lost: str) -> None:
    """Otherwise a deleted Secret of monitoring would restart Redis."""
    cluster = FakeCluster()
    await ensure(cluster)
    before = {name: values_of(cluster, name) for name in ("demo-redis-users", "demo-redis-monitor")}
    cluster.remove("Secret", "chat", lost)
    await ensure(cluster)
    assert {name: values_of(cluster, name) for name in before} == before


@pytest.mark.parametrize(
    "text", ["[]", "null", "{", '{"redis://sup_monitor@demo-redis-cache:6379": 1}']
)
async def test_passwords_that_were_edited_into_nonsense_are_made_anew(text: str) -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    cluster.remove("Secret", "chat", "demo-redis-users")
    cluster.edit("Secret", "chat", "demo-redis-monitor", data={"passwords.json": encode(text)})
    await ensure(cluster)
    made = values_of(cluster, "demo-redis-users")
    known = json.loads(values_of(cluster, "demo-redis-monitor")["passwords.json"])
    assert made["redis-cache"] == known["redis://sup_monitor@demo-redis-cache:6379"]
    assert len(made["redis-cache"]) > 20


async def test_redis_elsewhere_is_watched_with_the_login_that_was_given() -> None:
    cluster = FakeCluster()
    await give(cluster, "given", password="p")
    address = {"host": "redis", "credentialsSecretRef": {"name": "given"}}
    spec = {"redis": {"external": {"cache": address, "state": {**address, "host": "other"}}}}
    await ensure(cluster, spec)
    passwords = json.loads(values_of(cluster, "demo-redis-monitor")["passwords.json"])
    assert passwords == {"redis://redis:6379": "p", "redis://other:6379": "p"}
    assert "demo-redis-users" not in cluster.names("Secret")


async def test_an_older_instance_gets_the_role_that_watches_and_keeps_the_others() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    roles = cluster.objects["Secret", "chat", "demo-postgres-roles"]
    del roles["data"]["sup_monitor"]
    before = decode(roles)
    first = await ensure(cluster)
    after = values_of(cluster, "demo-postgres-roles")
    assert {key: after[key] for key in before} == before
    assert values_of(cluster, "demo-postgres-monitor")["password"] == after["sup_monitor"]
    second = await ensure(cluster)
    assert second.facts["postgres-roles"] == first.facts["postgres-roles"]


async def test_an_external_database_may_have_a_login_of_its_own_for_watching() -> None:
    cluster = FakeCluster()
    await give(cluster, "db", username="app", password="a")
    spec = {"postgres": {"external": {"host": "db", "credentialsSecretRef": {"name": "db"}}}}
    await ensure(cluster, spec)
    assert values_of(cluster, "demo-postgres-monitor")["username"] == "app"
    cluster.edit(
        "Secret",
        "chat",
        "db",
        data={"monitor-username": encode("watcher"), "monitor-password": encode("w")},
    )
    await ensure(cluster, spec)
    assert values_of(cluster, "demo-postgres-monitor")["username"] == "watcher"
    assert values_of(cluster, "demo-postgres")["username"] == "app"


async def test_grafana_s_login_is_made_once() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    first = values_of(cluster, "demo-grafana")
    assert first["username"] == "admin"
    assert len(first["password"]) >= 43
    assert first["secret-key"] != first["password"]
    await ensure(cluster)
    assert values_of(cluster, "demo-grafana") == first


async def test_grafana_s_login_follows_the_one_that_was_brought() -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    key = values_of(cluster, "demo-grafana")["secret-key"]
    await give(cluster, "mine", username="root", password="chosen")
    spec = {"monitoring": {"grafana": {"adminSecretRef": {"name": "mine"}}}}
    await ensure(cluster, spec)
    assert values_of(cluster, "demo-grafana") == {
        "username": "root",
        "password": "chosen",
        "secret-key": key,
    }


async def test_the_store_s_login_is_copied() -> None:
    cluster = FakeCluster()
    await give(cluster, "login", username="tenant", password="p", other="x")
    external = {"url": "https://metrics.example.org", "credentialsSecretRef": {"name": "login"}}
    await ensure(cluster, {"monitoring": {"prometheus": {"external": external}}})
    copied = values_of(cluster, "demo-remote-write")
    assert copied == {"username": "tenant", "password": "p"}


_MISSING: dict[str, dict[str, Any]] = {
    "spec.monitoring.grafana.adminSecretRef.name": {"grafana": {"adminSecretRef": {"name": "no"}}},
    "spec.monitoring.prometheus.external.credentialsSecretRef.name": {
        "prometheus": {
            "external": {"url": "https://m.example.org", "credentialsSecretRef": {"name": "no"}}
        }
    },
    "spec.monitoring.grafana.oidc.clientSecretRef.name": {
        "grafana": {
            "oidc": {
                "issuer": "https://id.example.org",
                "authorizationUrl": "https://id.example.org/a",
                "tokenUrl": "https://id.example.org/t",
                "userInfoUrl": "https://id.example.org/u",
                "clientSecretRef": {"name": "no"},
            }
        }
    },
}


@pytest.mark.parametrize("field", _MISSING)
async def test_a_secret_that_is_not_there_is_named_and_holds_back_nothing_else(field: str) -> None:
    gathered = await ensure(FakeCluster(), {"monitoring": _MISSING[field]})
    (problem,) = gathered.problems.values()
    assert problem.startswith(f"{field}: there is no Secret no")
    assert {"postgres", "rabbitmq", "credentials", "grafana"} <= set(gathered.facts)


async def test_a_store_s_login_that_goes_away_is_held() -> None:
    cluster = FakeCluster()
    await give(cluster, "login", username="tenant", password="p")
    external = {"url": "https://metrics.example.org", "credentialsSecretRef": {"name": "login"}}
    spec = {"monitoring": {"prometheus": {"external": external}}}
    before = await ensure(cluster, spec)
    cluster.remove("Secret", "chat", "login")
    after = await ensure(cluster, spec)
    assert after.facts["remote-write"] == before.facts["remote-write"]
    assert "credentialsSecretRef" in after.problems["prometheus"]


async def test_without_monitoring_no_secret_is_made_for_it() -> None:
    cluster = FakeCluster()
    await ensure(cluster, {"monitoring": {"enabled": False}})
    assert not {"demo-grafana", "demo-redis-monitor"} & cluster.names("Secret")
