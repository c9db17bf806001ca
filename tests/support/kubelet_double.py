"""Plays the controllers that a bare API server lacks: makes workloads ready and ends Jobs."""

from typing import Any

from support.control_plane import ControlPlane

MERGE = "application/merge-patch+json"
_PATHS = {
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "services": "/api/v1",
}


class Controllers:
    """Writes the status that Kubernetes' own controllers would write."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._plane = plane
        self._namespace = namespace

    def list(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind in the namespace."""
        path = f"{_PATHS[plural]}/namespaces/{self._namespace}/{plural}"
        status, answer = self._plane.request("GET", path)
        assert status == 200, answer
        items: list[dict[str, Any]] = answer["items"]
        return items

    def make_ready(self, *, jobs: bool = True) -> None:
        """Make every workload ready, and let every Job succeed unless told otherwise."""
        for plural in ("deployments", "statefulsets"):
            for item in self.list(plural):
                self._make_workload_ready(plural, item)
        for item in self.list("services"):
            if item["metadata"]["name"].endswith(("-livekit-rtc", "-turn")):
                self._give_address(item)
        if jobs:
            for item in self.list("jobs"):
                if not item.get("status", {}).get("conditions"):
                    self.end_job(item["metadata"]["name"])

    def end_job(self, name: str, *, error: str = "") -> None:
        """Let a Job succeed, or fail with this error."""
        moment = "2026-01-01T00:00:00Z"
        conditions: list[dict[str, Any]] = []
        for kind in ("FailureTarget", "Failed") if error else ("SuccessCriteriaMet", "Complete"):
            conditions.append(
                {
                    "type": kind,
                    "status": "True",
                    "reason": "Test",
                    "message": error,
                    "lastProbeTime": moment,
                    "lastTransitionTime": moment,
                }
            )
        status: dict[str, Any] = {"conditions": conditions, "startTime": moment}
        status |= {"failed": 1} if error else {"succeeded": 1, "completionTime": moment}
        status |= {"uncountedTerminatedPods": {}}
        self._patch_status("jobs", name, status)

    def _make_workload_ready(self, plural: str, item: dict[str, Any]) -> None:
        replicas = item["spec"].get("replicas", 1)
        current = item.get("status", {})
        if (
            current.get("observedGeneration") == item["metadata"]["generation"]
            and current.get("readyReplicas", 0) == replicas
        ):
            return
        status = {
            "observedGeneration": item["metadata"]["generation"],
            "replicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "updatedReplicas": replicas,
        }
        self._patch_status(plural, item["metadata"]["name"], status)

    def _give_address(self, item: dict[str, Any]) -> None:
        wanted = {"ingress": [{"ip": "198.51.100.11"}]}
        if item["spec"]["type"] == "LoadBalancer" and not item["status"]["loadBalancer"]:
            self._patch_status("services", item["metadata"]["name"], {"loadBalancer": wanted})

    def _patch_status(self, plural: str, name: str, status: dict[str, Any]) -> None:
        path = f"{_PATHS[plural]}/namespaces/{self._namespace}/{plural}/{name}/status"
        code, answer = self._plane.request("PATCH", path, {"status": status}, content_type=MERGE)
        assert code == 200, answer["message"]
