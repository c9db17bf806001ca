"""One SupMessenger on a real API server, as a person with kubectl sees it."""

from typing import Any

from support.control_plane import ControlPlane
from support.kubelet_double import MERGE, Controllers

GROUP = "/apis/supmessenger.io/v1alpha1"


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

    def is_back(self, path: str, uid: str) -> bool:
        status, live = self.child(path)
        return status == 200 and live["metadata"]["uid"] != uid

    def has_stalled_with(self, words: str) -> bool:
        return words in self.condition("Stalled").get("message", "")

    def has_said(self, words: str) -> bool:
        return any(words in event["message"] for event in self.events())

    def events(self) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self.namespace}/events"
        items: list[dict[str, Any]] = self.plane.request("GET", path)[1]["items"]
        return [item for item in items if item["involvedObject"]["name"] == self.name]
