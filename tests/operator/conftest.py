"""Fixtures of the operator's tests."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.acme_authority import Authority, make_authority_of
from support.control_plane import OPERATOR_USER, ControlPlane, start_control_plane
from support.older_definition import build_sent_definition, install_definition
from support.world import World

from supmessenger_operator.cluster.permissions import build_rules

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server with our definition installed and the operator's role bound."""
    folder: Path = tmp_path_factory.mktemp("control-plane")
    with start_control_plane(folder) as plane:
        install_definition(plane, build_sent_definition())
        _wait_until_served(plane)
        _bind_operator_role(plane)
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A fresh namespace."""
    name = f"test-{uuid4().hex[:8]}"
    status, answer = control_plane.request(
        "POST", "/api/v1/namespaces", {"metadata": {"name": name}}
    )
    assert status == 201, answer["message"]
    return name


def _wait_until_served(plane: ControlPlane) -> None:
    deadline = time.monotonic() + 60
    path = "/apis/supmessenger.io/v1alpha1/supmessengers"
    while plane.request("GET", path)[0] != 200:
        assert time.monotonic() < deadline, "the definition was not served in time"
        time.sleep(0.1)


def _bind_operator_role(plane: ControlPlane) -> None:
    rules = build_rules()
    role = {"metadata": {"name": "operator"}, "rules": rules["instance"] + rules["operator"]}
    binding = {
        "metadata": {"name": "operator"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "operator",
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR_USER}
        ],
    }
    for path, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        status, answer = plane.request("POST", f"{RBAC}/{path}", body)
        assert status == 201, answer["message"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """One declared instance on a fake cluster."""
    made = World()
    await made.declare()
    yield made
    await made.checkers.close()


@pytest.fixture
def authority(world: World) -> Authority:
    """The ACME server of which the world's operator orders."""
    return make_authority_of(world)
