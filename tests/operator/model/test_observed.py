"""How live objects are read: ready, on their way, or stuck."""

from typing import Any

import pytest

from supmessenger_operator.model.difference import find_changed_fields
from supmessenger_operator.model.observed import ObservedObject, parse_observed


def observe(kind: str, spec: dict[str, Any], status: dict[str, Any]) -> ObservedObject:
    metadata = {"name": "one", "uid": "u", "generation": 2}
    return parse_observed({"kind": kind, "metadata": metadata, "spec": spec, "status": status})


def condition(kind: str, **parts: str) -> dict[str, str]:
    return {"type": kind, "status": "True", **parts}


FULL = {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}


@pytest.mark.parametrize(
    ("status", "is_ready", "is_stuck"),
    [
        (FULL, True, False),
        ({**FULL, "observedGeneration": 1}, False, False),
        ({**FULL, "updatedReplicas": 1}, False, False),
        ({**FULL, "availableReplicas": 1}, False, False),
        ({}, False, False),
        (
            {
                **FULL,
                "availableReplicas": 0,
                "conditions": [
                    {
                        "type": "Progressing",
                        "status": "False",
                        "reason": "ProgressDeadlineExceeded",
                    }
                ],
            },
            False,
            True,
        ),
    ],
)
def test_deployments(status: dict[str, Any], is_ready: bool, is_stuck: bool) -> None:
    seen = observe("Deployment", {"replicas": 2}, status)

    assert (seen.is_ready, seen.is_stuck) == (is_ready, is_stuck)
    assert bool(seen.message) is not is_ready


@pytest.mark.parametrize(
    ("status", "is_ready"),
    [
        ({"observedGeneration": 2, "readyReplicas": 1}, True),
        (
            {
                "observedGeneration": 2,
                "readyReplicas": 1,
                "updateRevision": "b",
                "currentRevision": "a",
            },
            False,
        ),
        ({"observedGeneration": 1, "readyReplicas": 1}, False),
        ({"observedGeneration": 2}, False),
    ],
)
def test_stateful_sets(status: dict[str, Any], is_ready: bool) -> None:
    assert observe("StatefulSet", {"replicas": 1}, status).is_ready is is_ready


@pytest.mark.parametrize(
    ("conditions", "is_ready", "is_stuck"),
    [
        ([], False, False),
        ([condition("Complete")], True, False),
        ([condition("Failed", message="backoff limit")], False, True),
        ([condition("FailureTarget", message="deadline")], False, True),
        ([{"type": "Failed", "status": "False"}], False, False),
    ],
)
def test_a_failed_job_is_never_taken_for_a_running_one(
    conditions: list[dict[str, str]], is_ready: bool, is_stuck: bool
) -> None:
    seen = observe("Job", {}, {"conditions": conditions})

    assert (seen.is_ready, seen.is_stuck) == (is_ready, is_stuck)


def test_the_address_of_a_load_balancer_may_be_a_name() -> None:
    for entry, address in (({"ip": "192.0.2.1"}, "192.0.2.1"), ({"hostname": "lb"}, "lb")):
        status = {"loadBalancer": {"ingress": [entry]}}
        assert observe("Service", {"type": "LoadBalancer"}, status).address == address


def test_of_several_addresses_ipv4_comes_first_and_ipv6_last() -> None:
    given = ({"ip": "2001:db8::1"}, {"hostname": "lb"}, {"ip": "192.0.2.2"}, {"ip": "192.0.2.1"})
    status = {"loadBalancer": {"ingress": list(given)}}
    seen = observe("Service", {"type": "LoadBalancer"}, status)
    assert seen.addresses == ("192.0.2.2", "192.0.2.1", "lb", "2001:db8::1")


def test_a_fingerprint_sees_edits_and_nothing_else() -> None:
    def fingerprint(**changes: Any) -> str:
        metadata = {"name": "one", "uid": "u", **changes.pop("metadata", {})}
        return parse_observed(
            {"kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}, **changes}
        ).fingerprint

    plain = fingerprint()
    assert fingerprint(status={"any": "thing"}) == plain
    assert fingerprint(metadata={"resourceVersion": "7", "managedFields": []}) == plain
    assert fingerprint(data={"a": "2"}) != plain
    assert fingerprint(metadata={"labels": {"a": "b"}}) != plain


def test_changed_fields_are_named_by_path() -> None:
    def deployment(image: str, **spec: Any) -> dict[str, Any]:
        containers = [{"name": "api", "image": image}]
        return {
            "kind": "Deployment",
            "metadata": {"name": "demo-api"},
            "spec": {"template": {"spec": {"containers": containers}}, **spec},
        }

    service = {"kind": "Service", "metadata": {"name": "demo-api"}}

    assert find_changed_fields([deployment("a"), service], [deployment("b", replicas=2)]) == (
        "Deployment/demo-api spec.replicas",
        "Deployment/demo-api spec.template.spec.containers[api].image",
        "Service/demo-api (removed)",
    )


@pytest.mark.parametrize(
    ("revisions", "observed", "is_rolling"),
    [(("a", "a"), 2, False), (("b", "a"), 2, True), (("a", "a"), 1, True)],
)
def test_a_stateful_set_on_its_way_differs_from_one_that_lost_a_pod(
    revisions: tuple[str, str], observed: int, is_rolling: bool
) -> None:
    status = {
        "observedGeneration": observed,
        "updateRevision": revisions[0],
        "currentRevision": revisions[1],
    }
    assert observe("StatefulSet", {"replicas": 1}, status).is_rolling == is_rolling


@pytest.mark.parametrize(
    ("reason", "is_rolling"), [("ReplicaSetUpdated", True), ("NewReplicaSetAvailable", False)]
)
def test_a_deployment_on_its_way_differs_from_one_that_lost_a_pod(
    reason: str, is_rolling: bool
) -> None:
    conditions = [condition("Progressing", reason=reason)]
    status = {"observedGeneration": 2, "updatedReplicas": 1, "conditions": conditions}
    assert observe("Deployment", {"replicas": 1}, status).is_rolling == is_rolling
