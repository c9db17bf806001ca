"""The definition as it is sent, and as an older release may have had it: without bounds."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import yaml
from support.control_plane import ControlPlane

from supmessenger_operator.model.crd import build_crd

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CONFLICT = 409
BOUNDS = ("pattern", "minimum", "maximum", "maxLength", "x-kubernetes-validations")


def build_sent_definition() -> dict[str, Any]:
    """Return today's definition through YAML and JSON, as kubectl would send it."""
    made: dict[str, Any] = json.loads(json.dumps(yaml.safe_load(yaml.safe_dump(build_crd()))))
    return made


def build_older(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition that lacks the bounds of this one."""
    older = copy.deepcopy(dict(definition))
    (version,) = older["spec"]["versions"]
    version["schema"]["openAPIV3Schema"] = _loosen(version["schema"]["openAPIV3Schema"])
    return older


def install_definition(plane: ControlPlane, definition: Mapping[str, Any]) -> None:
    """Install a definition, or put it in the place of the one that is there."""
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    status = CONFLICT
    while status == CONFLICT:  # the API server wrote its status in between
        status, live = plane.request("GET", path)
        if status == 200:
            status, answer = plane.request("PUT", path, {**live, "spec": definition["spec"]})
        else:
            status, answer = plane.request("POST", DEFINITIONS, definition)
    assert status in (200, 201), answer["message"]


def _loosen(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: copy.deepcopy(value) for key, value in node.items() if key not in BOUNDS}
    if kept.get("x-kubernetes-preserve-unknown-fields"):
        kept.pop("properties", None)
    if "properties" in kept:
        kept["properties"] = {name: _loosen(child) for name, child in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _loosen(kept[key])
    return kept
