"""Both charts are installed, upgraded, rolled back and uninstalled by Helm 3 and by Helm 4."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from install_manifest import CHECKOUT
from support.control_plane import ControlPlane, find_binary, start_control_plane

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(300)]

RESOURCES = "/apis/supmessenger.io/v1alpha1/namespaces/{}/supmessengers"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/supmessengers.supmessenger.io"


@dataclass(frozen=True)
class Helm:
    """One Helm against one API server, with a cache and configuration of its own."""

    program: Path
    plane: ControlPlane
    home: Path

    def start(self, *words: str, values: dict[str, Any] | None = None) -> "subprocess.Popen[str]":
        """Start a verb; values come by a file."""
        file = self.home / "values.json"
        file.write_text(json.dumps(values or {}))
        given = () if values is None else ("--values", str(file))
        return subprocess.Popen(
            [str(self.program), *words, *given, "--kubeconfig", str(self.plane.kubeconfig)],
            env={**os.environ, "HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, values: dict[str, Any] | None = None, code: int = 0) -> str:
        """Run a verb to its end and return what it printed."""
        with self.start(*words, values=values) as process:
            said, _ = process.communicate(timeout=120)
        assert process.returncode == code, said
        return said


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with start_control_plane(tmp_path_factory.mktemp("helm")) as started:
        yield started


@pytest.fixture(params=["helm", "helm4"])
def helm(request: pytest.FixtureRequest, plane: ControlPlane, tmp_path: Path) -> Helm:
    return Helm(program=find_binary(request.param), plane=plane, home=tmp_path)


@pytest.fixture
def namespace(helm: Helm) -> str:
    """A namespace of this test alone."""
    name = f"of-{helm.program.name}-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    status, _ = helm.plane.request("POST", "/api/v1/namespaces", body)
    assert status == 201
    return name


def ask(helm: Helm, path: str) -> Any:
    status, body = helm.plane.request("GET", path)
    return body if status == 200 else None


def wait_until(check: Callable[[], Any], *, what: str) -> None:
    deadline = time.monotonic() + 60
    while not check():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def chart(name: str) -> str:
    return str(CHECKOUT / "charts" / name)


@pytest.fixture
def operator_release(helm: Helm, namespace: str) -> Iterator[str]:
    """A release of the operator's chart; removed when the test is over."""
    # Nothing of the cluster is shared, so that both Helms find it as it was.
    values = {"watchNamespaces": [namespace], "replicas": 1}
    helm.run("install", "op", chart("sup-operator"), "-n", namespace, values=values)
    wait_until(lambda: ask(helm, RESOURCES.format(namespace)), what="the resource to be served")
    yield "op"
    helm.run("uninstall", "op", "-n", namespace, "--ignore-not-found")
    helm.plane.request("DELETE", DEFINITION)
    wait_until(lambda: ask(helm, DEFINITION) is None, what="the definition to be gone")


def test_the_operators_chart_goes_up_back_and_away(
    helm: Helm, namespace: str, operator_release: str
) -> None:
    where = ("-n", namespace)
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/{operator_release}"
    assert ask(helm, deployment)["spec"]["replicas"] == 1
    values = {"watchNamespaces": [namespace], "replicas": 2, "logLevel": "debug"}
    helm.run("upgrade", operator_release, chart("sup-operator"), *where, values=values)
    assert ask(helm, deployment)["spec"]["replicas"] == 2
    helm.run("rollback", operator_release, "1", *where)
    assert ask(helm, deployment)["spec"]["replicas"] == 1

    helm.run("uninstall", operator_release, *where)
    assert ask(helm, deployment) is None
    assert ask(helm, f"/api/v1/namespaces/{namespace}/serviceaccounts/{operator_release}") is None
    # With its definition, every instance of the cluster would go.
    assert ask(helm, DEFINITION) is not None
    # What stayed is taken over by the next installation.
    helm.run("install", operator_release, chart("sup-operator"), *where, values=values)


def test_the_platforms_chart_goes_up_back_and_away(
    helm: Helm, namespace: str, operator_release: str
) -> None:
    where, path = ("-n", namespace), f"{RESOURCES.format(namespace)}/demo"
    values = {"domain": "chat.example.org", "size": "tiny"}
    helm.run("install", "demo", chart("sup-messenger"), *where, values=values)
    assert ask(helm, path)["spec"]["size"] == "tiny"
    helm.run(
        *("upgrade", "demo", chart("sup-messenger"), *where), values={**values, "size": "small"}
    )
    assert ask(helm, path)["spec"]["size"] == "small"
    helm.run("rollback", "demo", "1", *where)
    assert ask(helm, path)["spec"]["size"] == "tiny"
    helm.run("uninstall", "demo", *where)
    assert ask(helm, path) is None


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("sup-operator", {"replcas": 2}, "replcas"),
        ("sup-operator", {"image": {"repo": "x"}}, "repo"),
        ("sup-messenger", {"domain": "chat.example.org", "kafak": {}}, "kafak"),
        ("sup-messenger", {"domain": "chat.example.org", "size": "huge"}, "size"),
    ],
)
def test_a_typing_error_is_named_and_nothing_is_installed(
    helm: Helm, namespace: str, name: str, values: dict[str, Any], told: str
) -> None:
    said = helm.run("install", "wrong", chart(name), "-n", namespace, values=values, code=1)
    assert "don't meet the specifications of the schema" in said
    assert told in said
    assert "wrong" not in helm.run("list", "-n", namespace, "--all-namespaces")


def write_status(helm: Helm, namespace: str, *conditions: tuple[str, str, str]) -> None:
    """Write the status that the operator would, for the present generation."""
    path = f"{RESOURCES.format(namespace)}/demo"
    body = ask(helm, path)
    generation = body["metadata"]["generation"]
    body["status"] = {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": kind,
                "status": state,
                "reason": "Said",
                "message": message,
                "observedGeneration": generation,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind, state, message in conditions
        ],
    }
    status, answer = helm.plane.request("PUT", f"{path}/status", body)
    assert status == 200, answer


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_helm_4_waits_until_the_instance_is_ready(
    helm: Helm, namespace: str, operator_release: str
) -> None:
    words = ("install", "demo", chart("sup-messenger"), "-n", namespace)
    flags = ("--wait", "--timeout", "60s")
    with helm.start(*words, *flags, values={"domain": "chat.example.org"}) as process:
        path = f"{RESOURCES.format(namespace)}/demo"
        wait_until(lambda: ask(helm, path), what="Helm to create the resource")
        write_status(helm, namespace, ("Reconciling", "True", "3 of 11"), ("Ready", "False", ""))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        write_status(helm, namespace, ("Ready", "True", ""), ("Reconciling", "False", ""))
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 0, said


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
def test_helm_4_says_aloud_that_an_instance_stalled(
    helm: Helm, namespace: str, operator_release: str
) -> None:
    words = ("install", "demo", chart("sup-messenger"), "-n", namespace)
    flags = ("--wait", "--timeout", "60s")
    began = time.monotonic()
    with helm.start(*words, *flags, values={"domain": "chat.example.org"}) as process:
        path = f"{RESOURCES.format(namespace)}/demo"
        wait_until(lambda: ask(helm, path), what="Helm to create the resource")
        told = "spec.smtp: the Secret team-smtp is missing; create it"
        write_status(helm, namespace, ("Stalled", "True", told), ("Ready", "False", told))
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert time.monotonic() - began < 45, "it waited for its timeout"
    assert "SupMessenger/demo" in said or "demo" in said
