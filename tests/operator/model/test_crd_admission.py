"""What the real API server accepts and refuses, and with which words."""

from typing import Any

import pytest
from support.control_plane import ControlPlane

pytestmark = pytest.mark.control_plane

STRICT = "fieldValidation=Strict"


def make_body(name: str = "demo", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "supmessenger.io/v1alpha1",
        "kind": "SupMessenger",
        "metadata": {"name": name},
        "spec": {"domain": "chat.example.org", **spec},
    }


def path_of(namespace: str, name: str = "") -> str:
    base = f"/apis/supmessenger.io/v1alpha1/namespaces/{namespace}/supmessengers"
    return f"{base}/{name}?{STRICT}" if name else f"{base}?{STRICT}"


def create(plane: ControlPlane, namespace: str, body: Any) -> tuple[int, dict[str, Any]]:
    return plane.request("POST", path_of(namespace), body)


def change(
    plane: ControlPlane, namespace: str, name: str, spec: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    return plane.request(
        "PATCH",
        path_of(namespace, name),
        {"spec": spec},
        content_type="application/merge-patch+json",
    )


def test_domain_alone_is_complete_and_unions_get_their_default(
    control_plane: ControlPlane, namespace: str
) -> None:
    status, made = create(control_plane, namespace, make_body())

    assert status == 201, made
    assert made["spec"]["postgres"] == {"embedded": {"version": "16", "storage": {}}}
    assert made["spec"]["tls"] == {"selfSigned": {}}


def test_a_new_resource_says_that_no_generation_was_observed(
    control_plane: ControlPlane, namespace: str
) -> None:
    """Helm 4 and Flux would take one without a status for finished, before the operator looked."""
    _, made = create(control_plane, namespace, make_body())

    assert made["status"] == {"observedGeneration": -1}


def test_the_whole_shape_is_accepted(control_plane: ControlPlane, namespace: str) -> None:
    body = make_body(
        adminEmail="admin@example.org",
        size="tiny",
        images={"registry": "127.0.0.1:5000", "overrides": {"postgres": "pg:16"}},
        exposure={"type": "LoadBalancer", "annotations": {"a": "b"}},
        tls={"acme": {"challenge": "http-01"}},
        edge={"workerConnections": 1024, "replicas": 2},
        api={"resources": {"requests": {"cpu": 1, "memory": "1Gi"}}, "podTemplate": {"any": [1]}},
        websocket={"autoscaling": {"minReplicas": 2, "maxReplicas": 20, "connectionsPerPod": 1}},
        media={"maxUploadSize": "1Gi", "transcoding": {"enabled": False}},
        worker={"concurrency": 4, "extraEnv": [{"name": "A", "value": "b"}]},
        postgres={"embedded": {"storage": {"size": "1Gi"}, "parameters": {"work_mem": "8MB"}}},
        redis={"external": {"cache": {"host": "a"}, "state": {"host": "b"}}},
        rabbitmq={"clusterOperator": {}},
        objectStorage={"embedded": {"engine": "versity"}},
        kafka={"enabled": True, "strimzi": {}},
        livekit={"enabled": False},
        turn={"relayPorts": {"min": 49152, "max": 49160}},
        smtp={"host": "mail", "from": "sup@example.org", "security": "none"},
        monitoring={"prometheus": {"operator": {}}},
        backup={"schedule": "*/5 * * * *", "drill": {}, "destination": {"volume": {"size": "1Gi"}}},
        deletionPolicy="Delete",
    )

    status, made = create(control_plane, namespace, body)

    assert status == 201, made


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"dommain": "x"}, 'unknown field "spec.dommain"'),
        ({"api": {"replicas": "two"}}, "spec.api.replicas"),
        (
            {
                "postgres": {
                    "embedded": {},
                    "external": {"host": "h", "credentialsSecretRef": {"name": "s"}},
                }
            },
            "set exactly one of embedded, cloudNativePG and external",
        ),
        ({"redis": {}}, "set exactly one of embedded and external"),
        ({"tls": {"selfSigned": {}, "disabled": {}}}, "set exactly one of selfSigned"),
        ({"api": {"replicas": 2, "autoscaling": {}}}, "an autoscaler owns the number"),
        ({"media": {"maxUploadSize": "two gigs"}}, "spec.media.maxUploadSize"),
        ({"websocket": {"drain": {"duration": "soon"}}}, "spec.websocket.drain.duration"),
        ({"backup": {"schedule": "daily"}}, "spec.backup.schedule"),
        ({"size": "huge"}, "spec.size"),
        ({"domain": "not a domain"}, "spec.domain"),
        ({"turn": {"relayPorts": {"min": 50000, "max": 49152}}}, "must not be above max"),
        ({"turn": {"relayPorts": {"min": 50000, "max": 60000}}}, "name at most 500"),
        (
            {"turn": {"relayPorts": {"min": 5300, "max": 5400}}},
            "must leave out 3478, 5349 and 9641",
        ),
        ({"turn": {"exposure": {"address": "turn.example.org:3478"}}}, "exposure.address"),
        (
            {"turn": {"external": {"uris": ["stun:a.example"], "sharedSecretRef": {"name": "s"}}}},
            "uris[0]",
        ),
        (
            {
                "livekit": {
                    "external": {"url": "wss://a:99999", "credentialsSecretRef": {"name": "s"}}
                }
            },
            "livekit.external.url",
        ),
        ({"exposure": {"type": "Gateway"}}, "exposure.gateway exactly when"),
        ({"smtp": {"host": "mail"}}, "spec.smtp.from"),
    ],
)
def test_bad_input_is_refused_with_the_field_and_the_cure(
    control_plane: ControlPlane, namespace: str, spec: dict[str, Any], words: str
) -> None:
    status, answer = create(control_plane, namespace, make_body(**spec))

    assert status in (400, 422), answer
    assert words in answer["message"]


def test_a_name_that_objects_could_not_carry_is_refused(
    control_plane: ControlPlane, namespace: str
) -> None:
    status, answer = create(control_plane, namespace, make_body(name="n" * 27))

    assert status == 422
    assert "metadata.name must have at most 26 characters" in answer["message"]


@pytest.mark.parametrize(
    ("made", "changed", "words"),
    [
        ({}, {"domain": "other.example.org"}, "the domain of a live instance can't change"),
        (
            {},
            {"postgres": {"embedded": None, "cloudNativePG": {}}},
            "the way postgres is provided can't change on a live instance: make a new"
            " SupMessenger with the postgres you want and restore a backup into it",
        ),
        (
            {},
            {"postgres": {"embedded": {"storage": {"className": "fast"}}}},
            "the storage class of a live volume can't change",
        ),
        (
            {"postgres": {"embedded": {"storage": {"className": "slow", "size": "5Gi"}}}},
            {"postgres": {"embedded": {"storage": {"className": "fast"}}}},
            "the storage class of a live volume can't change",
        ),
        (
            {"postgres": {"embedded": {"storage": {"size": "5Gi"}}}},
            {"postgres": {"embedded": {"storage": {"size": "4096Mi"}}}},
            "a volume can't shrink",
        ),
    ],
)
def test_a_change_that_would_lose_data_is_refused_and_names_the_way(
    control_plane: ControlPlane,
    namespace: str,
    made: dict[str, Any],
    changed: dict[str, Any],
    words: str,
) -> None:
    assert create(control_plane, namespace, make_body(**made))[0] == 201

    status, answer = change(control_plane, namespace, "demo", changed)

    assert status == 422, answer
    assert words in answer["message"]


def test_a_volume_may_grow(control_plane: ControlPlane, namespace: str) -> None:
    body = make_body(postgres={"embedded": {"storage": {"size": "5Gi"}}})
    assert create(control_plane, namespace, body)[0] == 201

    status, answer = change(
        control_plane, namespace, "demo", {"postgres": {"embedded": {"storage": {"size": "1Ti"}}}}
    )

    assert status == 200, answer
