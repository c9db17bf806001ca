"""One suite for the fake and for a real API server: what a pass relies on holds for both."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from support.control_plane import ControlPlane
from support.fake_cluster import FakeCluster

from supmessenger_operator.cluster.api_server import ApiServer, connect_api_server
from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.cluster.errors import AlreadyExists, Conflict
from supmessenger_operator.model.outcome import Stalled


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.control_plane)])
async def cluster(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[ClusterClient, str]]:
    if request.param == "fake":
        yield FakeCluster(), "default"
        return
    plane: ControlPlane = request.getfixturevalue("control_plane")
    namespace: str = request.getfixturevalue("namespace")
    monkeypatch.setattr(
        "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
        str(plane.operator_kubeconfig),
    )
    server: ApiServer = await connect_api_server()
    yield server, namespace
    await server.close()


def make_config_map(namespace: str, name: str = "one", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"a": "b"}},
        "data": data,
    }


def make_lease(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "lease", "namespace": namespace},
        "spec": {"holderIdentity": "me"},
    }


Cluster = tuple[ClusterClient, str]


async def test_what_is_not_there_is_none(cluster: Cluster) -> None:
    client, namespace = cluster
    assert await client.get("ConfigMap", namespace, "absent") is None


async def test_apply_makes_changes_and_removes(cluster: Cluster) -> None:
    client, namespace = cluster
    await client.apply(make_config_map(namespace, x="1", y="1"))
    await client.apply(make_config_map(namespace, x="2"))

    live = await client.get("ConfigMap", namespace, "one")

    assert live is not None
    assert live["data"] == {"x": "2"}


async def test_applying_the_same_again_changes_nothing(cluster: Cluster) -> None:
    client, namespace = cluster
    first = await client.apply(make_config_map(namespace, x="1"))
    second = await client.apply(make_config_map(namespace, x="1"))

    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_dry_run_writes_nothing(cluster: Cluster) -> None:
    client, namespace = cluster
    await client.apply(make_config_map(namespace, x="1"), dry_run=True)

    assert await client.get("ConfigMap", namespace, "one") is None


async def test_apply_leaves_what_others_added(cluster: Cluster) -> None:
    client, namespace = cluster
    made = make_config_map(namespace, ours="1")
    await client.create({**made, "data": {"theirs": "1"}})
    await client.apply(made)

    live = await client.get("ConfigMap", namespace, "one")

    assert live is not None
    assert live["data"] == {"theirs": "1", "ours": "1"}


async def test_an_object_is_created_once(cluster: Cluster) -> None:
    client, namespace = cluster
    await client.create(make_config_map(namespace, x="1"))

    with pytest.raises(AlreadyExists):
        await client.create(make_config_map(namespace, x="2"))


async def test_list_selects_by_labels_and_names_the_kind(cluster: Cluster) -> None:
    client, namespace = cluster
    await client.apply(make_config_map(namespace, "one"))
    other = make_config_map(namespace, "two")
    await client.apply({**other, "metadata": {**other["metadata"], "labels": {"a": "c"}}})

    found = await client.list("ConfigMap", namespace, selector="a=b")

    assert [(item["kind"], item["metadata"]["name"]) for item in found] == [("ConfigMap", "one")]


async def test_delete_spares_a_namesake_and_what_is_gone(cluster: Cluster) -> None:
    client, namespace = cluster
    live = await client.apply(make_config_map(namespace))

    await client.delete("ConfigMap", namespace, "one", uid=str(uuid4()))
    assert await client.get("ConfigMap", namespace, "one") is not None
    await client.delete("ConfigMap", namespace, "one", uid=live["metadata"]["uid"])
    await client.delete("ConfigMap", namespace, "one", uid=live["metadata"]["uid"])
    assert await client.get("ConfigMap", namespace, "one") is None


async def test_replace_needs_the_version_that_was_read(cluster: Cluster) -> None:
    client, namespace = cluster
    made = await client.create(make_lease(namespace))
    await client.replace({**made, "spec": {"holderIdentity": "you"}})

    with pytest.raises(Conflict):
        await client.replace({**made, "spec": {"holderIdentity": "me"}})


async def test_a_refused_object_stalls_with_its_name(cluster: Cluster) -> None:
    client, namespace = cluster

    with pytest.raises(Stalled, match="ConfigMap Not_A_Name"):
        await client.apply(make_config_map(namespace, "Not_A_Name"))


@pytest.mark.control_plane
async def test_a_call_that_the_role_does_not_name_fails_loudly(
    control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
        str(control_plane.operator_kubeconfig),
    )
    server = await connect_api_server()
    with pytest.raises(AssertionError, match="permissions"):
        await server.delete("Secret", namespace, "any", uid="any")
    await server.close()
