"""What runs on every node: when it runs, and what it may do there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from install_manifest import CHECKOUT, KUBE_VERSION, find_helm

pytestmark = pytest.mark.control_plane

AGENTS = {"demo-promtail", "demo-node-exporter"}


@pytest.fixture(scope="module")
def helm() -> Path:
    return find_helm()


def render(helm: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    command = [
        *(str(helm), "template", "demo", str(CHECKOUT / "charts/sup-operator")),
        *("--namespace", "sup-system", "--kube-version", KUBE_VERSION, "--values", "-"),
    ]
    text = json.dumps(values)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return [body for body in yaml.safe_load_all(done.stdout) if body]


def list_agents(bodies: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        body["metadata"]["name"]: body["spec"]["template"]["spec"]
        for body in bodies
        if body["kind"] == "DaemonSet"
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, AGENTS),
        ({"watchNamespaces": ["a"]}, set()),
        ({"watchNamespaces": ["a"], "agents": {"promtail": {"enabled": True}}}, {"demo-promtail"}),
        ({"agents": {"nodeExporter": {"enabled": False}}}, {"demo-promtail"}),
        ({"components": {"promtail": ""}}, {"demo-node-exporter"}),
    ],
)
def test_agents_run_where_the_whole_cluster_is_watched_unless_told_otherwise(
    helm: Path, values: dict[str, Any], expected: set[str]
) -> None:
    bodies = render(helm, values)
    assert set(list_agents(bodies)) == expected
    namespaces = [body for body in bodies if body["kind"] == "Namespace"]
    assert bool(namespaces) is bool(expected)
    assert all(
        b["metadata"]["namespace"] == "sup-agents" for b in bodies if b["kind"] == "DaemonSet"
    )


def test_an_operator_of_some_namespaces_ships_the_logs_of_those_alone(helm: Path) -> None:
    values = {"watchNamespaces": ["a", "b"], "agents": {"promtail": {"enabled": True}}}
    bodies = render(helm, values)
    assert not [body for body in bodies if body["kind"].startswith("ClusterRole")]
    roles = [b for b in bodies if b["kind"] == "Role" and b["metadata"]["name"] == "demo-promtail"]
    assert {role["metadata"]["namespace"] for role in roles} == {"a", "b"}
    assert read_config(bodies)["scrape_configs"][0]["kubernetes_sd_configs"][0]["namespaces"] == {
        "names": ["a", "b"]
    }


def read_config(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [
        b for b in bodies if b["kind"] == "ConfigMap" and b["metadata"]["name"] == "demo-promtail"
    ]
    return dict(yaml.safe_load(found["data"]["promtail.yaml"]))


def test_an_agent_has_no_power_and_changes_nothing_but_its_own_folder(helm: Path) -> None:
    for name, pod in list_agents(render(helm, {})).items():
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert forbidden not in pod
        hosts = {volume["name"] for volume in pod["volumes"] if "hostPath" in volume}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert "privileged" not in security
            assert {"cpu", "memory"} == set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            written = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
            assert written & hosts == ({"positions"} if container["name"] == "promtail" else set())
        as_root = [
            c["name"] for c in pod["containers"] if c["securityContext"].get("runAsUser") == 0
        ]
        assert as_root == (["promtail"] if name == "demo-promtail" else [])


def test_the_shipper_reads_pods_and_nothing_else_from_the_api_server(helm: Path) -> None:
    (role,) = [
        body
        for body in render(helm, {})
        if body["kind"] == "ClusterRole" and body["metadata"]["name"] == "demo-promtail"
    ]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]


def test_only_five_labels_reach_loki_and_a_request_is_none_of_them(helm: Path) -> None:
    (job,) = read_config(render(helm, {}))["scrape_configs"]
    labels = {rule["target_label"] for rule in job["relabel_configs"] if "target_label" in rule}
    assert labels - {"__path__", "tenant"} == {
        *("namespace", "instance", "component", "pod", "container")
    }
    stages = {name: stage for one in job["pipeline_stages"] for name, stage in one.items()}
    assert stages["labeldrop"] == ["tenant", "filename", "stream"]
    assert set(stages["structured_metadata"]) == {"level", "request_id"}


def test_no_try_at_one_loki_lasts_for_long(helm: Path) -> None:
    (client,) = read_config(render(helm, {}))["clients"]
    assert client["url"].startswith("http://127.0.0.1:")
    assert client["backoff_config"] == {
        "min_period": "500ms",
        "max_period": "2s",
        "max_retries": 5,
    }
    assert client["drop_rate_limited_batches"] is True


def test_loki_lets_the_agents_in_by_the_name_the_operator_is_given(helm: Path) -> None:
    bodies = render(helm, {"agents": {"namespace": "watchers"}})
    (deployment,) = [body for body in bodies if body["kind"] == "Deployment"]
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "SUP_OPERATOR_AGENTS_NAMESPACE", "value": "watchers"} in env
    (namespace,) = [body for body in bodies if body["kind"] == "Namespace"]
    assert namespace["metadata"]["name"] == "watchers"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
