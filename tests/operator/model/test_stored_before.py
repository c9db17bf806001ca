"""A resource that was stored before the definition knew a bound can still be worked with."""

import time
from typing import Any

import pytest
from support.control_plane import ControlPlane
from support.older_definition import build_older, build_sent_definition, install_definition

pytestmark = pytest.mark.control_plane

# Of a group of its own, as the real definition is everybody's.
GROUP = "before.supmessenger.io"
BAD = {
    "domain": "chat.example.org",
    "kafka": {"enabled": True, "topic": "."},
    "livekit": {
        "embedded": {
            "exposure": {"address": "a..b"},
            "resources": {"limits": {"memory": -1}},
        }
    },
    "media": {"transcoding": {"maxSourceSize": "0", "maxDuration": "400d"}},
    "monitoring": {
        "logs": {"retention": "1h"},
        "prometheus": {"embedded": {"retention": "10m", "storage": {"size": "100Mi"}}},
    },
    "tls": {"acme": {"server": "https://ca_1.example/directory#x"}},
}


def build_definition() -> dict[str, Any]:
    made = build_sent_definition()
    made["metadata"]["name"] = f"supmessengers.{GROUP}"
    made["spec"]["group"] = GROUP
    return made


def test_what_was_stored_before_a_bound_stays_and_can_be_changed_elsewhere(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = f"/apis/{GROUP}/v1alpha1/namespaces/{namespace}/supmessengers"
    whole = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "SupMessenger", "spec": BAD}
    body = {**whole, "metadata": {"name": "demo"}}
    strict = build_definition()

    def wait_for(wanted: int, name: str, how: str) -> None:
        deadline = time.monotonic() + 60
        while True:
            tried = {**whole, "metadata": {"name": name}}
            status, answer = control_plane.request("POST", f"{path}{how}", tried)
            if status == wanted:
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)

    def patch(change: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind = "application/merge-patch+json"
        return control_plane.request("PATCH", f"{path}/demo", change, content_type=kind)

    install_definition(control_plane, build_older(strict))
    wait_for(201, "demo", "")
    install_definition(control_plane, strict)
    wait_for(422, "other", "?dryRun=All")

    status, answer = patch({"spec": {"api": {"replicas": 2}}})
    assert status == 200, answer
    # The operator's own write, and what a tool applies whole.
    told = {**whole, "metadata": {"name": "demo"}, "status": {"phase": "Degraded"}}
    del told["spec"]
    for given, where in ((told, "/status"), (body, "")):
        status, answer = control_plane.request(
            "PATCH",
            f"{path}/demo{where}?fieldManager=a-tool&force=true",
            given,
            content_type="application/apply-patch+yaml",
        )
        assert status == 200, answer["message"]
        assert answer["status"]["phase"] == "Degraded"
    status, answer = patch({"spec": {"monitoring": {"logs": {"retention": "2h"}}}})
    assert (status, "monitoring.logs.retention" in answer["message"]) == (422, True), answer
    status, answer = patch({"spec": {"monitoring": {"logs": {"retention": "48h"}}}})
    assert status == 200, answer
