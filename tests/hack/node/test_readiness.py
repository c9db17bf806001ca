"""When the node, a Deployment and a pod count as ready."""

from __future__ import annotations

from typing import Any

import pytest

from supnode.cluster import is_condition_true, is_pod_current, is_pod_ready, is_rolled_out
from supnode.dns import build_query, parse_has_answer

EARLIER, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"


def build_node(*, heartbeat: str, status: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    return {"status": {"conditions": [condition]}}


def test_a_node_is_ready_only_by_a_heartbeat_of_this_start() -> None:
    assert is_condition_true(build_node(heartbeat=LATER), "Ready", since=EARLIER)
    assert not is_condition_true(build_node(heartbeat=EARLIER), "Ready", since=LATER)
    assert is_condition_true(build_node(heartbeat=EARLIER), "Ready")
    assert not is_condition_true(build_node(heartbeat=LATER, status="False"), "Ready")
    assert not is_condition_true({}, "Ready")


def build_deployment(**status: int) -> dict[str, Any]:
    whole = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {**whole, **status}}


def test_a_deployment_is_rolled_out_when_nothing_old_is_left() -> None:
    assert is_rolled_out(build_deployment())
    assert not is_rolled_out({})


@pytest.mark.parametrize(
    "status",
    [{"observedGeneration": 1}, {"replicas": 2}, {"updatedReplicas": 0}, {"availableReplicas": 0}],
)
def test_a_deployment_on_its_way_is_not_rolled_out(status: dict[str, int]) -> None:
    assert not is_rolled_out(build_deployment(**status))


def build_pod(*, started: str, ready: bool = True) -> dict[str, Any]:
    state = {"running": {"startedAt": started}}
    return {"metadata": {}, "status": {"containerStatuses": [{"ready": ready, "state": state}]}}


def test_a_pod_is_ready_only_in_containers_of_this_start() -> None:
    assert is_pod_ready(build_pod(started=LATER), since=EARLIER)
    assert not is_pod_ready(build_pod(started=EARLIER), since=LATER)
    assert not is_pod_ready(build_pod(started=LATER, ready=False))
    assert not is_pod_ready({"status": {}})


def test_pods_that_ended_or_leave_do_not_count() -> None:
    assert is_pod_current({"metadata": {}, "status": {"phase": "Running"}})
    assert not is_pod_current({"metadata": {}, "status": {"phase": "Failed"}})
    assert not is_pod_current({"metadata": {"deletionTimestamp": LATER}})


def test_a_dns_reply_counts_when_it_answers_our_question() -> None:
    query = build_query("a.example")
    assert query.endswith(b"\x01a\x07example\x00\x00\x01\x00\x01")
    identity = query[:2]
    assert parse_has_answer(identity + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00")
    assert not parse_has_answer(identity + b"\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00")
    assert not parse_has_answer(b"\x00\x00\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00")
    assert not parse_has_answer(b"")
