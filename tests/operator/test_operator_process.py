"""The real operator process against a real API server, with the rights the chart gives."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.control_plane import ControlPlane
from support.instance_view import Instance
from support.kubelet_double import MERGE
from support.operator_process import (
    CheckerServer,
    OperatorProcess,
    start_checker,
    start_operator,
    wait_for,
)

pytestmark = pytest.mark.control_plane


@pytest.fixture
def checker() -> Iterator[CheckerServer]:
    with start_checker() as server:
        yield server


@pytest.fixture
def operator(
    control_plane: ControlPlane, namespace: str, checker: CheckerServer, tmp_path: Path
) -> Iterator[OperatorProcess]:
    with start_operator(
        control_plane, folder=tmp_path, namespace=namespace, checker=checker
    ) as running:
        yield running


def test_one_resource_becomes_the_platform_wave_by_wave_and_settles(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()

    wait_for(
        lambda: len(instance.controllers.list("statefulsets")) == 5,
        seconds=60,
        what="the data tier",
    )
    assert instance.controllers.list("jobs") == []
    assert instance.controllers.list("deployments") == []
    wait_for(
        lambda: instance.condition("Reconciling").get("reason", "").startswith("WaitingFor"),
        seconds=30,
        what="a condition that says what is waited for",
    )

    wait_for(instance.is_ready, seconds=90, what="Ready")

    body = instance.read()
    assert body["status"]["phase"] == "Ready"
    assert body["status"]["componentsReady"] == "10/10"
    assert body["status"]["endpoints"]["web"] == "https://chat.example.org"
    modes = {item["name"]: item["mode"] for item in body["status"]["components"]}
    assert modes["postgres"] == "embedded"
    assert modes["livekit"] == "unavailable"
    assert body["status"]["version"]
    assert all(c["observedGeneration"] == 1 for c in body["status"]["conditions"])
    assert operator.get("/healthz") == (200, "ok")
    assert operator.get("/readyz") == (200, "ok")
    assert_no_writes(operator)


def assert_no_writes(operator: OperatorProcess, seconds: float = 4) -> None:
    """Nothing is written while nothing changes, though the checker is asked every second."""
    recent: list[float] = []

    def is_calm() -> bool:
        recent.append(writes_of(operator))
        return len(recent) > 30 and recent[-1] == recent[-30] > 0

    wait_for(is_calm, seconds=60, what="the end of what the last writes have woken")
    before = writes_of(operator)
    time.sleep(seconds)  # the absence of writes can only be seen over a time
    assert writes_of(operator) == before


def writes_of(operator: OperatorProcess) -> float:
    lines = operator.get("/metrics")[1].splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in lines
        if line.startswith("sup_operator_writes_total") and 'kind="Lease"' not in line
    )


def test_children_are_back_within_five_seconds_also_while_the_migration_gate_is_closed(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()
    wait_for(instance.is_ready, seconds=90, what="Ready")
    # A new release opens a new migration Job, which nobody ends: the gate stays closed.
    before = {job["metadata"]["name"] for job in instance.controllers.list("jobs")}
    image = "/apis/apps/v1/deployments/demo-api"
    released = instance.child(image)[1]["spec"]["template"]
    instance.change({"version": "9.9.9"})

    def is_gate_closed() -> bool:
        instance.controllers.make_ready(jobs=False)
        names = {job["metadata"]["name"] for job in instance.controllers.list("jobs")}
        return bool(names - before) and instance.condition("Migrated").get("reason") == "Running"

    wait_for(is_gate_closed, seconds=60, what="the new migration Job")

    for child in ("/api/v1/services/demo-api", "/apis/apps/v1/deployments/demo-websocket"):
        uid = instance.child(child)[1]["metadata"]["uid"]
        instance.delete_child(child)
        wait_for(
            partial(instance.is_back, child, uid),
            seconds=5,
            what=f"{child} back",
        )
    control_plane.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{namespace}/deployments/demo-media",
        {"spec": {"replicas": 7}},
        content_type=MERGE,
    )
    wait_for(
        lambda: instance.child("/apis/apps/v1/deployments/demo-media")[1]["spec"]["replicas"] == 1,
        seconds=5,
        what="the edited number of replicas put right",
    )
    # A port put in the place of ours has the name of ours: applying beside it is impossible.
    service = f"/api/v1/namespaces/{namespace}/services/demo-api"
    ours = control_plane.request("GET", service)[1]["spec"]["ports"]
    for patch in (
        {"spec": {"ports": [{"name": "http", "port": 9999}]}},
        {"spec": {"ports": [*ours, {"name": "mine", "port": 9998}]}},
    ):
        status, answer = control_plane.request("PATCH", service, patch, content_type=MERGE)
        assert status == 200, answer["message"]
        wait_for(
            lambda: control_plane.request("GET", service)[1]["spec"]["ports"] == ours,
            seconds=5,
            what="the edited ports put right",
        )
    # The gate held all the while: what runs is what was released.
    assert instance.child(image)[1]["spec"]["template"] == released
    wait_for(
        lambda: any(event["reason"] == "Repaired" for event in instance.events()),
        seconds=30,
        what="the Event of a repair",
    )


def test_a_failed_migration_stops_the_rollout_and_shows_its_error(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()
    wait_for(instance.is_ready, seconds=90, what="Ready")
    known = {job["metadata"]["name"] for job in instance.controllers.list("jobs")}
    instance.change({"version": "9.9.9"})

    def new_migration() -> str:
        instance.controllers.make_ready(jobs=False)
        names = (job["metadata"]["name"] for job in instance.controllers.list("jobs"))
        return next((name for name in names if "migrations" in name and name not in known), "")

    job = wait_for(new_migration, seconds=60, what="the new migration Job")
    instance.controllers.end_job(job, error='relation "users" does not exist')

    wait_for(
        lambda: instance.condition("Migrated").get("reason") == "MigrationFailed",
        seconds=60,
        what="the failure in status",
    )
    assert "does not exist" in instance.condition("Migrated")["message"]
    assert instance.condition("Stalled")["status"] == "True"
    assert instance.condition("ApiReady")["status"] == "True"
    api = instance.child("/apis/apps/v1/deployments/demo-api")[1]
    assert api["spec"]["template"]["spec"]["containers"][0]["image"].endswith("api:1")


def test_bad_input_that_only_reconciling_can_know_leaves_the_platform_untouched(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()
    wait_for(instance.is_ready, seconds=90, what="Ready")
    deployment = "/apis/apps/v1/deployments/demo-api"
    running = instance.child(deployment)[1]["spec"]

    for spec, words in (
        ({"api": {"podTemplate": {"specc": {}}}}, "spec.api.podTemplate"),
        (
            {
                "api": {
                    "podTemplate": None,
                    "resources": {"requests": {"memory": "4Gi"}, "limits": {"memory": "1Gi"}},
                }
            },
            "spec.api.resources.requests.memory: the request of 4Gi is above the limit of 1Gi",
        ),
        ({"api": None, "backup": {"timeZone": "Mars/Base"}}, "spec.backup: "),
        (
            {
                "backup": None,
                "smtp": {"host": "m", "from": "a@b", "credentialsSecretRef": {"name": "x"}},
            },
            "spec.smtp.credentialsSecretRef.name: there is no Secret x",
        ),
    ):
        instance.change(spec)
        wait_for(
            partial(instance.has_stalled_with, words),
            seconds=60,
            what=words,
        )
        assert instance.read()["status"]["phase"] == "Stalled"
        wait_for(
            partial(instance.has_said, words),
            seconds=30,
            what=f"the Event: {words}",
        )
        assert instance.child(deployment)[1]["spec"] == running

    instance.change({"smtp": None})
    wait_for(instance.is_ready, seconds=60, what="Ready again")


def test_a_failing_live_check_is_degraded_and_never_ready(
    control_plane: ControlPlane,
    namespace: str,
    operator: OperatorProcess,
    checker: CheckerServer,
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()
    wait_for(instance.is_ready, seconds=90, what="Ready")

    checker.failing["postgres"] = "password authentication failed"

    wait_for(
        lambda: instance.condition("PostgresReady").get("status") == "False",
        seconds=60,
        what="the failing check in status",
    )
    assert instance.condition("Ready")["status"] == "False"
    assert instance.condition("Degraded")["status"] == "True"
    assert "password authentication failed" in instance.read()["status"]["message"]

    checker.failing.clear()
    wait_for(instance.is_ready, seconds=60, what="Ready again")


def test_two_instances_live_side_by_side_and_a_pause_holds_changes(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    first = Instance(control_plane, namespace)
    second = Instance(control_plane, namespace, "other")
    first.create()
    second.create(domain="other.example.org")
    wait_for(lambda: first.is_ready() and second.is_ready(), seconds=90, what="both Ready")

    path = f"{second.path}/other"
    paused = {"metadata": {"annotations": {"supmessenger.io/paused": "true"}}}
    control_plane.request("PATCH", path, paused, content_type=MERGE)
    second.change({"worker": {"extraEnv": [{"name": "HELD_BACK", "value": "yes"}]}})
    wait_for(
        lambda: (
            second.condition("Reconciling").get("reason") == "Paused"
            and second.condition("Reconciling")["observedGeneration"] == 2
        ),
        seconds=60,
        what="the pause in status",
    )
    worker = second.child("/apis/apps/v1/deployments/other-worker")[1]
    assert "HELD_BACK" not in str(worker["spec"]["template"])

    free = {"metadata": {"annotations": {"supmessenger.io/paused": None}}}
    control_plane.request("PATCH", path, free, content_type=MERGE)
    wait_for(
        lambda: second.is_ready() and second.condition("Reconciling")["reason"] == "Settled",
        seconds=60,
        what="the held change rolled out",
    )
    worker = second.child("/apis/apps/v1/deployments/other-worker")[1]
    assert "HELD_BACK" in str(worker["spec"]["template"])


def test_a_follower_takes_over_when_the_leader_ends(
    control_plane: ControlPlane,
    namespace: str,
    operator: OperatorProcess,
    checker: CheckerServer,
    tmp_path: Path,
) -> None:
    wait_for(lambda: operator.get("/readyz")[0] == 200, seconds=60, what="the leader")
    with start_operator(
        control_plane, folder=tmp_path, namespace=namespace, checker=checker, pod_name="operator-1"
    ) as follower:
        wait_for(lambda: follower.get("/readyz")[0] == 200, seconds=60, what="the follower")
        assert "sup_operator_leader 0.0" in follower.get("/metrics")[1]

        operator.process.terminate()
        assert operator.process.wait(timeout=10) == 0

        wait_for(
            lambda: "sup_operator_leader 1.0" in follower.get("/metrics")[1],
            seconds=10,
            what="the follower leading",
        )
