"""The real operator process against a real API server, with the rights the chart gives."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.control_plane import ControlPlane
from support.kubelet_double import MERGE, Controllers
from support.operator_process import (
    CheckerServer,
    OperatorProcess,
    start_checker,
    start_operator,
    wait_for,
)

pytestmark = pytest.mark.control_plane

GROUP = "/apis/supmessenger.io/v1alpha1"


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


class Instance:
    """One SupMessenger as a person with kubectl sees it."""

    def __init__(self, plane: ControlPlane, namespace: str, name: str = "demo") -> None:
        self.plane, self.namespace, self.name = plane, namespace, name
        self.path = f"{GROUP}/namespaces/{namespace}/supmessengers"
        self.controllers = Controllers(plane, namespace)

    def create(self, **spec: Any) -> None:
        body = {
            "apiVersion": "supmessenger.io/v1alpha1",
            "kind": "SupMessenger",
            "metadata": {"name": self.name},
            "spec": {"domain": "chat.example.org", "size": "tiny", **spec},
        }
        status, answer = self.plane.request("POST", self.path, body)
        assert status == 201, answer["message"]

    def change(self, spec: dict[str, Any]) -> None:
        status, answer = self.plane.request(
            "PATCH", f"{self.path}/{self.name}", {"spec": spec}, content_type=MERGE
        )
        assert status == 200, answer["message"]

    def read(self) -> dict[str, Any]:
        return self.plane.request("GET", f"{self.path}/{self.name}")[1]

    def condition(self, kind: str) -> dict[str, Any]:
        found = self.read().get("status", {}).get("conditions", [])
        return next((item for item in found if item["type"] == kind), {})

    def is_ready(self) -> bool:
        self.controllers.make_ready()
        body = self.read()
        status = body.get("status", {})
        return (
            self.condition("Ready").get("status") == "True"
            and status["observedGeneration"] == body["metadata"]["generation"]
        )

    def child(self, path: str) -> tuple[int, dict[str, Any]]:
        prefix, plural, name = path.rsplit("/", 2)
        return self.plane.request("GET", f"{prefix}/namespaces/{self.namespace}/{plural}/{name}")

    def delete_child(self, path: str) -> None:
        prefix, plural, name = path.rsplit("/", 2)
        status, answer = self.plane.request(
            "DELETE", f"{prefix}/namespaces/{self.namespace}/{plural}/{name}"
        )
        assert status == 200, answer["message"]

    def events(self) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self.namespace}/events"
        items: list[dict[str, Any]] = self.plane.request("GET", path)[1]["items"]
        return [item for item in items if item["involvedObject"]["name"] == self.name]


def test_one_resource_becomes_the_platform_wave_by_wave_and_settles(
    control_plane: ControlPlane, namespace: str, operator: OperatorProcess
) -> None:
    instance = Instance(control_plane, namespace)
    instance.create()

    wait_for(
        lambda: len(instance.controllers.list("statefulsets")) == 5,
        seconds=30,
        what="the data tier",
    )
    assert instance.controllers.list("jobs") == []
    assert instance.controllers.list("deployments") == []
    wait_for(
        lambda: instance.condition("Reconciling").get("reason", "").startswith("WaitingFor"),
        seconds=5,
        what="a condition that says what is waited for",
    )

    wait_for(instance.is_ready, seconds=60, what="Ready")

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
        return len(recent) > 15 and recent[-1] == recent[-15] > 0

    wait_for(is_calm, seconds=15, what="the end of what the last writes have woken")
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
