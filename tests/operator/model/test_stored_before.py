"""A resource that was stored before the definition knew a bound can still be worked with."""

import copy
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from support.control_plane import ControlPlane

from supmessenger_operator.model.crd import build_crd

pytestmark = pytest.mark.control_plane

# Of a group of its own, as the real definition is everybody's.
GROUP = "before.supmessenger.io"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BOUNDS = ("pattern", "minimum", "maximum", "maxLength", "x-kubernetes-validations")
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
    made: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(yaml.safe_dump(build_crd()))))
    made["metadata"]["name"] = f"supmessengers.{GROUP}"
    made["spec"]["group"] = GROUP
    return made


def loosen(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without bounds, as one of before may have been."""
    kept = {key: copy.deepcopy(value) for key, value in node.items() if key not in BOUNDS}
    if kept.get("x-kubernetes-preserve-unknown-fields"):
        kept.pop("properties", None)
    if "properties" in kept:
        kept["properties"] = {name: loosen(child) for name, child in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = loosen(kept[key])
    return kept


def install(plane: ControlPlane, definition: dict[str, Any]) -> None:
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    status, live = plane.request("GET", path)
    if status == 200:
        status, answer = plane.request("PUT", path, {**live, "spec": definition["spec"]})
    else:
        status, answer = plane.request("POST", DEFINITIONS, definition)
    assert status in (200, 201), answer["message"]


def test_what_was_stored_before_a_bound_stays_and_can_be_changed_elsewhere(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = f"/apis/{GROUP}/v1alpha1/namespaces/{namespace}/supmessengers"
    whole = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "SupMessenger", "spec": BAD}
    body = {**whole, "metadata": {"name": "demo"}}
    strict = build_definition()
    old = copy.deepcopy(strict)
    (version,) = old["spec"]["versions"]
    version["schema"]["openAPIV3Schema"] = loosen(version["schema"]["openAPIV3Schema"])

    def wait_for(wanted: int, name: str, how: str) -> None:
        deadline = time.monotonic() + 30
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

    install(control_plane, old)
    wait_for(201, "demo", "")
    install(control_plane, strict)
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
