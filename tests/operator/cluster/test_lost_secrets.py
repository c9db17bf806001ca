"""Secrets that a person deletes or edits: both ends of a connection go on agreeing."""

import pytest
from support.fake_cluster import FakeCluster
from support.messengers import make_messenger

from supmessenger_operator.cluster.connections import ensure_connections
from supmessenger_operator.cluster.secrets import InstanceSecrets, decode, encode

# Of each connection: whose Secret, and which key of which server's Secret it has to equal.
AGREEMENTS = (
    ("postgres", "postgres-roles", "sup_user"),
    ("postgres-owner", "postgres-roles", "sup_owner"),
    ("rabbitmq", "rabbitmq-admin", "sup"),
)


async def ensure(cluster: FakeCluster) -> None:
    secrets = InstanceSecrets(cluster, make_messenger())
    await secrets.load()
    await ensure_connections(secrets, make_messenger())


def values_of(cluster: FakeCluster, component: str) -> dict[str, str]:
    return decode(cluster.objects[("Secret", "chat", f"demo-{component}")])


@pytest.mark.parametrize(("connection", "server", "key"), AGREEMENTS)
@pytest.mark.parametrize("lost", ["connection", "server", "both"])
async def test_a_deleted_secret_leaves_no_disagreement(
    connection: str, server: str, key: str, lost: str
) -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    before = values_of(cluster, connection)["password"]
    for component in (connection, server):
        if lost in ("both", "connection" if component == connection else "server"):
            cluster.remove("Secret", "chat", f"demo-{component}")

    await ensure(cluster)

    assert values_of(cluster, connection)["password"] == values_of(cluster, server)[key]
    assert (values_of(cluster, connection)["password"] == before) == (lost != "both")


@pytest.mark.parametrize(("connection", "server", "key"), AGREEMENTS)
async def test_a_connection_follows_the_password_of_its_server(
    connection: str, server: str, key: str
) -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    secret = cluster.objects[("Secret", "chat", f"demo-{server}")]
    secret["data"][key] = encode("chosen-by-a-person")

    await ensure(cluster)

    assert values_of(cluster, connection)["password"] == "chosen-by-a-person"


@pytest.mark.parametrize("component", ["postgres", "credentials"])
async def test_an_adopted_secret_keeps_its_type_and_is_found_by_our_labels(component: str) -> None:
    cluster = FakeCluster()
    await ensure(cluster)
    made = cluster.objects[("Secret", "chat", f"demo-{component}")]
    cluster.remove("Secret", "chat", f"demo-{component}")
    metadata = {"name": f"demo-{component}", "namespace": "chat"}
    brought = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": made["data"]}
    await cluster.create({**brought, "type": "example.org/mine"})

    await ensure(cluster)

    secret = cluster.objects[("Secret", "chat", f"demo-{component}")]
    assert secret["type"] == "example.org/mine"  # the API server lets nobody change it
    assert secret["data"] == made["data"]
    assert secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "sup-operator"
