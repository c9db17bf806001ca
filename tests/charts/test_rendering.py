"""The charts render what they promise, and refuse values that cannot be meant."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from install_manifest import CHECKOUT, KUBE_VERSION, TARGET, find_helm, render_install

pytestmark = pytest.mark.control_plane


@pytest.fixture(scope="module")
def helm() -> Path:
    return find_helm()


def render(helm: Path, chart: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    command = [
        *(str(helm), "template", "demo", str(CHECKOUT / "charts" / chart)),
        *("--kube-version", KUBE_VERSION, "--values", "-"),
    ]
    done = subprocess.run(
        command, input=json.dumps(values), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise ValueError(done.stderr)
    bodies = [body for body in yaml.safe_load_all(done.stdout) if body]
    # What `helm test` runs is installed by no `helm install`.
    return [
        body for body in bodies if "helm.sh/hook" not in body["metadata"].get("annotations", {})
    ]


def test_install_manifest_is_what_the_chart_renders(helm: Path) -> None:
    assert TARGET.read_text() == render_install(helm), "run `make generate` and commit"


def test_the_platform_chart_renders_one_resource_whose_spec_is_the_values(helm: Path) -> None:
    values = {"domain": "chat.example.org", "size": "small", "backup": {"schedule": "0 3 * * *"}}
    (body,) = render(helm, "sup-messenger", values)
    assert (body["kind"], body["metadata"]["name"]) == ("SupMessenger", "demo")
    assert body["spec"] == values


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"domain": ""},
        {"domain": "chat.example.org", "colour": "blue"},
        {"domain": "chat.example.org", "size": "huge"},
        {"domain": "chat.example.org", "backup": {"keep": 3}},
    ],
)
def test_the_platform_charts_schema_refuses(helm: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="schema"):
        render(helm, "sup-messenger", values)


@pytest.mark.parametrize(
    "values",
    [{"replicas": 0}, {"logLevel": "loud"}, {"watchNamespaces": ["Not_A_Name"]}, {"colour": 1}],
)
def test_the_operator_charts_schema_refuses(helm: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="schema"):
        render(helm, "sup-operator", values)


def iterate_kinds(bodies: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for body in bodies:
        yield body["kind"], body["metadata"].get("namespace", "")


def test_named_namespaces_make_the_permissions_namespaced(helm: Path) -> None:
    kinds = set(iterate_kinds(render(helm, "sup-operator", {"watchNamespaces": ["a", "b"]})))
    assert {("Role", "a"), ("Role", "b")} <= kinds
    assert not [kind for kind, _ in kinds if kind.startswith("ClusterRole")]


def test_definitions_can_be_left_to_someone_else(helm: Path) -> None:
    kinds = {kind for kind, _ in iterate_kinds(render(helm, "sup-operator", {}))}
    assert "CustomResourceDefinition" in kinds
    without = render(helm, "sup-operator", {"crds": {"install": False}})
    assert "CustomResourceDefinition" not in {kind for kind, _ in iterate_kinds(without)}


def test_the_operators_pod_is_restricted(helm: Path) -> None:
    (deployment,) = [b for b in render(helm, "sup-operator", {}) if b["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
