"""An API server without nodes on which a tool for GitOps installs the operator.

Pods are played: what the tool or the operator makes is called ready here. The operator itself runs
as a process, and so do those of Kubernetes' own controllers that need no node.
"""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.control_plane import (
    OPERATOR_USER,
    ROOT,
    ControlPlane,
    find_binary,
    start_control_plane,
)
from support.gitops_stage import Stage, run_program
from support.kubelet_double import MERGE, Controllers
from support.operator_process import CheckerServer, start_checker, start_operator

from supmessenger_operator.cluster.permissions import build_rules

CHAT = "chat"
PLATFORM = ("sup-system", "sup-agents")
MOMENT = "2026-01-01T00:00:00Z"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass
class PlayedCluster:
    """An API server, the controllers it lacks, and the operator once it was installed."""

    plane: ControlPlane
    checker: CheckerServer
    stack: ExitStack
    rolls_out: bool = True  # whether the instance's pods come up
    _operator_runs: bool = field(default=False, init=False)

    @property
    def stage(self) -> Stage:
        """The cluster as a person sees it."""
        return Stage(self.plane.kubeconfig, self.play)

    def play(self) -> None:
        """Do once what the controllers of Kubernetes would do."""
        for namespace in PLATFORM:
            for plural, kind in (("deployments", "apps/v1"), ("daemonsets", "apps/v1")):
                for item in self._list(f"/apis/{kind}/namespaces/{namespace}/{plural}"):
                    self._finish_workload(f"/apis/{kind}/namespaces/{namespace}/{plural}", item)
            for pod in self._list(f"/api/v1/namespaces/{namespace}/pods"):
                self._finish_pod(namespace, pod)
        if self._operator_runs and self.rolls_out:
            Controllers(self.plane, CHAT).make_ready()

    def start_operator(self) -> None:
        """Run the operator, with the rights that the tool's installation gave, as its pod would."""
        self._grant()
        folder = self.plane.folder / "operator"
        process = start_operator(self.plane, folder=folder, namespace=CHAT, checker=self.checker)
        self.stack.enter_context(process)
        self._operator_runs = True

    def _grant(self) -> None:
        """Give the process's user the roles of the chart that the tool installed."""
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR_USER}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
        bindings = {"sup-operator": "process", "process-leader": "process-leader"}
        leader = {"metadata": {"name": "process-leader"}, "rules": build_rules()["operator"]}
        self._create(f"{RBAC}/clusterroles", leader)
        for name, binding in bindings.items():
            body = {
                "metadata": {"name": binding},
                "roleRef": role | {"name": name},
                "subjects": [subject],
            }
            self._create(f"{RBAC}/clusterrolebindings", body)

    def _create(self, path: str, body: dict[str, Any]) -> None:
        status, answer = self.plane.request("POST", path, body)
        assert status == 201, answer["message"]

    def _list(self, path: str) -> list[dict[str, Any]]:
        status, answer = self.plane.request("GET", path)
        assert status == 200, answer
        items: list[dict[str, Any]] = answer["items"]
        return items

    def _finish_workload(self, path: str, item: dict[str, Any]) -> None:
        generation = item["metadata"]["generation"]
        if item.get("status", {}).get("observedGeneration") == generation:
            return
        count = item["spec"].get("replicas", 1)
        counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
        status: dict[str, Any] = dict.fromkeys(counts, count)
        if path.endswith("daemonsets"):
            scheduled = ("currentNumberScheduled", "desiredNumberScheduled")
            well = ("numberReady", "numberAvailable", "updatedNumberScheduled")
            status = dict.fromkeys((*scheduled, *well), 1) | {"numberMisscheduled": 0}
        told = {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
        conditions = [
            {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": "",
                "lastTransitionTime": MOMENT,
            }
            for kind, reason in told.items()
        ]
        status |= {"observedGeneration": generation, "conditions": conditions}
        self._write_status(f"{path}/{item['metadata']['name']}", status)

    def _finish_pod(self, namespace: str, pod: dict[str, Any]) -> None:
        if pod["status"].get("phase") != "Succeeded":
            path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
            self._write_status(path, {"phase": "Succeeded"})

    def _write_status(self, path: str, status: dict[str, Any]) -> None:
        code, answer = self.plane.request(
            "PATCH", f"{path}/status", {"status": status}, content_type=MERGE
        )
        # What was removed meanwhile needs no status.
        assert code in {200, 404}, answer["message"]


def _run_collectors(plane: ControlPlane) -> AbstractContextManager[object]:
    """Run those of Kubernetes' own controllers that need no node."""
    options = (
        f"--kubeconfig={plane.kubeconfig}",
        "--controllers=garbage-collector-controller,namespace-controller,disruption-controller",
        "--leader-elect=false",
        "--secure-port=0",
    )
    argv = [find_binary("kube-controller-manager"), *options]
    return run_program(argv, log=plane.folder / "kube-controller-manager.log", env={})


@contextmanager
def start_played_cluster(
    folder: Path, *, definitions: Path, namespace: str
) -> Iterator[PlayedCluster]:
    """Start an API server with a tool's definitions and its namespace."""
    with (
        start_control_plane(folder) as plane,
        start_checker() as checker,
        ExitStack() as stack,
    ):
        stack.enter_context(_run_collectors(plane))
        cluster = PlayedCluster(plane=plane, checker=checker, stack=stack)
        cluster.stage.kubectl("apply", "--server-side", "-f", str(definitions))
        wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        cluster.stage.kubectl(*wait)
        cluster.stage.kubectl("create", "namespace", namespace)
        yield cluster


def find_definitions() -> Path:
    """Return the folder of Argo CD's and Flux's definitions, fetching them if need be."""
    asked = subprocess.run(
        ["python3", str(ROOT / "hack/node"), "definitions"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return Path(asked.stdout.strip())
