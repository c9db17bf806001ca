"""Growing volumes on a real API server, which judges claims and StatefulSets as a cluster does."""

import asyncio
import copy
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from support.control_plane import ControlPlane
from support.kubelet_double import MERGE
from support.waiting import wait_until

from supmessenger_operator.cluster.api_server import ApiServer, connect_api_server
from supmessenger_operator.cluster.volumes import gather_judged, grow_volumes
from supmessenger_operator.model.outcome import Stalled

pytestmark = pytest.mark.control_plane


@pytest.fixture
async def server(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ApiServer]:
    monkeypatch.setattr(
        "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
        str(control_plane.operator_kubeconfig),
    )
    made = await connect_api_server()
    yield made
    await made.close()


def make_stateful_set(namespace: str, size: str) -> dict[str, Any]:
    labels = {"app": "one"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {
            "serviceName": "one",
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "one", "image": "one"}]},
            },
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": size}},
                    },
                }
            ],
        },
    }


def make_bound_claim(plane: ControlPlane, namespace: str, *, is_expandable: bool) -> None:
    """Do what the controllers of a cluster would have done for the first pod."""
    name = f"{namespace}-class"
    storage_class = {
        "metadata": {"name": name},
        "provisioner": "example.org/none",
        "allowVolumeExpansion": is_expandable,
    }
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    claim = {
        "metadata": {"name": "data-one-0"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
    for method, path, body in (
        ("POST", "/apis/storage.k8s.io/v1/storageclasses", storage_class),
        ("POST", claims, claim),
        ("PATCH", f"{claims}/data-one-0/status", bound),
    ):
        kind = MERGE if method == "PATCH" else "application/json"
        status, answer = plane.request(method, path, body, content_type=kind)
        assert status in (200, 201), answer["message"]


async def collect_orphan(plane: ControlPlane, namespace: str) -> bool:
    """Do what the garbage collector of a cluster would do once the pods are cut loose."""
    path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/one"
    live = await asyncio.to_thread(plane.request, "GET", path)
    if "orphan" not in live[1]["metadata"].get("finalizers", ()):
        return False
    freed = {"metadata": {"finalizers": None}}
    status, _ = await asyncio.to_thread(plane.request, "PATCH", path, freed, content_type=MERGE)
    return status == 200


async def test_the_claim_grows_and_the_set_makes_room(
    control_plane: ControlPlane, namespace: str, server: ApiServer
) -> None:
    made = await server.apply(make_stateful_set(namespace, "1Gi"))
    make_bound_claim(control_plane, namespace, is_expandable=True)
    wanted = make_stateful_set(namespace, "2Gi")

    growing = asyncio.create_task(grow_volumes(server, [wanted]))
    await wait_until(partial(collect_orphan, control_plane, namespace), what="the deletion")
    await growing
    again = await server.apply(wanted)

    claim = await server.get("PersistentVolumeClaim", namespace, "data-one-0")
    assert claim is not None
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert again["metadata"]["uid"] != made["metadata"]["uid"]


async def test_a_class_that_can_not_grow_stalls_and_leaves_the_set_alone(
    control_plane: ControlPlane, namespace: str, server: ApiServer
) -> None:
    made = await server.apply(make_stateful_set(namespace, "1Gi"))
    make_bound_claim(control_plane, namespace, is_expandable=False)

    with pytest.raises(Stalled, match="data-one-0 can't grow to 2Gi"):
        await grow_volumes(server, [make_stateful_set(namespace, "2Gi")])

    live = await server.get("StatefulSet", namespace, "one")
    assert live is not None
    assert live["metadata"]["uid"] == made["metadata"]["uid"]


async def test_an_equal_size_changes_nothing(namespace: str, server: ApiServer) -> None:
    body = make_stateful_set(namespace, "1Gi")
    made = await server.apply(copy.deepcopy(body))
    body["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "1024Mi"

    await grow_volumes(server, [body])

    live = await server.get("StatefulSet", namespace, "one")
    assert live is not None
    assert live["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_larger_volume_does_not_hide_what_else_is_refused(
    namespace: str, server: ApiServer
) -> None:
    await server.apply(make_stateful_set(namespace, "1Gi"))
    wanted = make_stateful_set(namespace, "2Gi")
    (judged,) = await gather_judged(server, [wanted])
    await server.apply(judged, dry_run=True)

    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = ""
    (judged,) = await gather_judged(server, [wanted])
    with pytest.raises(Stalled, match="image"):
        await server.apply(judged, dry_run=True)
