"""`kubectl apply` of install.yaml and `helm install` with defaults leave the same in a cluster."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from install_manifest import CHECKOUT, NAMESPACE, TARGET
from support.control_plane import ControlPlane, find_binary, start_control_plane

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(300)]


def run(plane: ControlPlane, program: str, *words: str) -> str:
    command = [str(find_binary(program)), *words, "--kubeconfig", str(plane.kubeconfig)]
    env = {**os.environ, "HOME": str(plane.folder)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def gather_content(plane: ControlPlane) -> dict[str, Any]:
    """Return what is stored of each object of the manifest, without its history."""
    stored = yaml.safe_load(run(plane, "kubectl", "get", "-f", str(TARGET), "-o", "yaml"))
    content = {}
    for body in stored["items"]:
        metadata = body["metadata"]
        kept = {key: value for key, value in body.items() if key not in {"metadata", "status"}}
        annotations = {
            key: value
            for key, value in metadata.get("annotations", {}).items()
            if not key.startswith("meta.helm.sh/")
        }
        labels = {
            key: value
            for key, value in metadata.get("labels", {}).items()
            # Helm marks what it installs; the namespace is not of the chart.
            if key != "app.kubernetes.io/managed-by" and body["kind"] != "Namespace"
        }
        if body["kind"] == "Service":
            for key in ("clusterIP", "clusterIPs"):
                kept["spec"].pop(key)
        name = f"{body['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"
        content[name] = {**kept, "annotations": annotations, "labels": labels}
    return content


@pytest.mark.parametrize("helm", ["helm", "helm4"])
def test_both_ways_leave_the_same_objects(helm: str, tmp_path: Path) -> None:
    for way in ("plain", "chart"):
        (tmp_path / way).mkdir()
    with start_control_plane(tmp_path / "plain") as plane:
        run(plane, "kubectl", "apply", "--server-side", "-f", str(TARGET))
        # A second time changes nothing.
        again = run(plane, "kubectl", "apply", "--server-side", "-f", str(TARGET))
        assert "serverside-applied" in again
        plain = gather_content(plane)
    with start_control_plane(tmp_path / "chart") as plane:
        chart = str(CHECKOUT / "charts/sup-operator")
        words = ("install", "sup-operator", chart, "--namespace", NAMESPACE)
        run(plane, helm, *words, "--create-namespace")
        installed = gather_content(plane)
    assert plain.keys() == installed.keys()
    for name, body in plain.items():
        assert installed[name] == body, name
