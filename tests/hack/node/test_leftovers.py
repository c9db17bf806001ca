"""A node that is taken down leaves nothing but its data, and its neighbour does not notice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from supnode.addresses import DEFAULT_NAME
from supnode.leftovers import compute_difference, gather_snapshot
from supnode.native import NativeNode
from supnode.paths import compute_node_paths
from supnode.waiting import wait_until

RunNode = Callable[..., "subprocess.CompletedProcess[str]"]

# One second node at a time: tests of one file share a worker.
pytestmark = [pytest.mark.node, pytest.mark.timeout(900)]

# A pod with everything that leaves traces: a volume, an address, a port on the node.
MANIFEST = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: witness, labels: {app: witness}}
spec:
  volumes: [{name: data, persistentVolumeClaim: {claimName: kept}}]
  containers:
    - name: witness
      image: IMAGE
      imagePullPolicy: Never
      command: [sh, -c]
      args:
        - |
          [ -e /data/visits ] || echo first > /data/visits
          answer="HTTP/1.0 200 OK\\r\\n\\r\\n$(cat /data/visits)"
          echo again >> /data/visits
          while true; do printf "$answer" | busybox nc -l -p 8080; done
      ports: [{containerPort: 8080, hostPort: 18080}]
      volumeMounts: [{name: data, mountPath: /data}]
---
apiVersion: v1
kind: Service
metadata: {name: witness}
spec: {type: LoadBalancer, selector: {app: witness}, ports: [{port: 80, targetPort: 8080}]}
"""


def kubectl(node: NativeNode, *words: str, stdin: str = "") -> str:
    argv = [str(node.cache.path("kubectl")), "--kubeconfig", str(node.paths.kubeconfig), *words]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_witness(node: NativeNode) -> str:
    """Return what the pod answers at the address its Service was given, or nothing yet."""
    address = kubectl(
        node, "get", "service", "witness", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"
    )
    if not address:
        return ""
    try:
        with urllib.request.urlopen(f"http://{address}", timeout=3) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_down_leaves_nothing_behind_and_data_survives(second_node: str, run_node: RunNode) -> None:
    root = compute_node_paths(second_node).root
    before = gather_snapshot(name=second_node, root=root)
    neighbour = NativeNode(DEFAULT_NAME)
    neighbour_was_ready = neighbour.cluster.is_ready()

    run_node("up")
    node = NativeNode(second_node)
    image = json.loads(node.paths.node_json.read_text())["images"]["busybox_image"]
    kubectl(node, "apply", "-f", "-", stdin=MANIFEST.replace("IMAGE", image))
    wait_until(lambda: "first" in read_witness(node), what="the pod's answer", seconds=90)

    during = gather_snapshot(name=second_node, root=root)
    traces = " ".join(compute_difference(before, during))
    for kind in ("processes", "network_namespaces", "links", "routes", "cgroups", "sockets"):
        assert f"{kind}: left behind" in traces, f"the comparison does not see {kind}"

    run_node("down")
    after = gather_snapshot(name=second_node, root=root)
    assert compute_difference(before, after) == []
    assert neighbour.cluster.is_ready() == neighbour_was_ready

    run_node("up")
    node = NativeNode(second_node)
    wait_until(lambda: "again" in read_witness(node), what="the data of before", seconds=90)

    run_node("clean")
    assert compute_difference(before, gather_snapshot(name=second_node, root=root)) == []
    assert not root.exists()


@pytest.mark.parametrize("moment", ["ok   namespaces", "ok   etcd", "ok   kubelet"])
def test_a_run_that_was_cut_off_is_completed_by_the_next(
    moment: str, second_node: str, run_node: RunNode
) -> None:
    checkout = Path(__file__).resolve().parents[3]
    root = compute_node_paths(second_node).root
    before = gather_snapshot(name=second_node, root=root)
    argv = [sys.executable, str(checkout / "hack/node"), "up", "--name", second_node]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert any(line.startswith(moment) for line in run.stderr), f"never came to '{moment}'"
        run.kill()

    run_node("up")
    assert NativeNode(second_node).cluster.is_node_ready()
    run_node("down")
    assert compute_difference(before, gather_snapshot(name=second_node, root=root)) == []


def test_down_completes_one_that_was_cut_off(second_node: str, run_node: RunNode) -> None:
    root = compute_node_paths(second_node).root
    before = gather_snapshot(name=second_node, root=root)
    run_node("up")
    checkout = Path(__file__).resolve().parents[3]
    argv = [sys.executable, str(checkout / "hack/node"), "down", "--name", second_node]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert any(line.startswith("ok   stop controllers") for line in run.stderr)
        run.kill()

    run_node("down")
    assert compute_difference(before, gather_snapshot(name=second_node, root=root)) == []


def test_programs_that_were_killed_are_brought_back(second_node: str, run_node: RunNode) -> None:
    run_node("up")
    node = NativeNode(second_node)
    # With the holder the namespaces end, and all that lived in them has to begin anew.
    for program in ("etcd", "containerd", "kubelet", "holder"):
        node.processes.stop(program, seconds=0)
        run_node("up")
        assert all(node.processes.is_running(name) for name in node.processes.names()), program
        assert node.cluster.is_node_ready(), program


def test_empty_groups_of_a_node_that_was_killed_do_not_hold_up_the_next(
    second_node: str, run_node: RunNode
) -> None:
    """The kubelet takes three seconds over each group of a pod that it does not know."""
    run_node("up")
    node = NativeNode(second_node)
    # As when the machine's memory runs out: everything ends at once, nothing is tidied.
    assert node.cgroups.kill_all()
    left = [folder / "kubepods" / "besteffort" for folder in node.cgroups.folders]
    left = [folder / f"pod{uuid4()}" for folder in left if folder.is_dir() for _ in range(60)]
    assert left
    for folder in left:
        folder.mkdir()

    began = time.monotonic()
    run_node("up")
    assert time.monotonic() - began < 120, "the kubelet went through the groups one by one"
    assert NativeNode(second_node).cluster.is_node_ready()
    assert not [folder for folder in left if folder.exists()]
