"""The CustomResourceDefinition, generated from the models as a structural schema."""

from collections.abc import Mapping
from typing import Any

from supmessenger_operator.model.base import build_rule
from supmessenger_operator.model.messenger import GROUP, KIND, LONGEST_NAME, VERSION
from supmessenger_operator.model.spec import Spec
from supmessenger_operator.model.status import Status

PLURAL = "supmessengers"

# Unions are filled in by the API server, so that "the chosen key stays" holds from the first day.
_UNION_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "tls": {"selfSigned": {}},
    # A default is checked by the rules before the defaults inside it are filled in.
    "postgres": {"embedded": {"version": "16"}},
    "redis": {"embedded": {}},
    "rabbitmq": {"embedded": {}},
    "objectStorage": {"embedded": {}},
}

_DROPPED = frozenset({"title", "$defs", "additionalProperties", "default"})

_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Phase", "string", ".status.phase", 0),
    ("Version", "string", ".status.version", 0),
    ("Domain", "string", ".spec.domain", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Components", "string", ".status.componentsReady", 1),
    ("Backup", "date", ".status.backup.lastSuccess", 1),
    ("Message", "string", ".status.message", 1),
)


def build_crd() -> dict[str, Any]:
    """Return the whole CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "labels": {"app.kubernetes.io/part-of": "sup-messenger"},
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["sup"],
                "categories": ["all", "sup"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": path}
                        | ({"priority": priority} if priority else {})
                        for name, kind, path, priority in _COLUMNS
                    ],
                    "schema": {"openAPIV3Schema": _without_empty(build_root_schema())},
                }
            ],
        },
    }


def build_root_schema() -> dict[str, Any]:
    """Return the structural schema of the whole resource."""
    return {
        "type": "object",
        "description": "One self-hosted, end-to-end encrypted messenger.",
        "required": ["spec"],
        "x-kubernetes-validations": [
            build_rule(
                f"self.metadata.name.size() <= {LONGEST_NAME}"
                " && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                f"metadata.name must have at most {LONGEST_NAME} characters, lower-case letters,"
                " digits and dashes, beginning with a letter, as all objects carry it",
            )
        ],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": build_spec_schema(),
            "status": _build_status_schema(),
        },
    }


def build_spec_schema() -> dict[str, Any]:
    """Return the structural schema of `spec`."""
    schema = Spec.model_json_schema(by_alias=True, mode="validation")
    spec = _flatten(schema, schema.get("$defs", {}))
    for name, default in _UNION_DEFAULTS.items():
        spec["properties"][name]["default"] = default
    return spec


def _build_status_schema() -> dict[str, Any]:
    schema = Status.model_json_schema(by_alias=True, mode="validation")
    status = _without_defaults(_flatten(schema, schema.get("$defs", {})))
    status["properties"]["conditions"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    status["properties"]["components"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    # Tools that judge by kstatus take a resource without any status for a finished one; until the
    # operator has looked at it, none of its generations was observed.
    status["default"] = {"observedGeneration": -1}
    return status


def _flatten(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Inline references, drop what a structural schema may not have, keep plain defaults."""
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    if "anyOf" in node:
        chosen = next(option for option in node["anyOf"] if option.get("type") != "null")
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _flatten({**chosen, **rest}, definitions)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "properties" in result:
        result["properties"] = {
            name: _flatten(child, definitions) for name, child in result["properties"].items()
        }
        # Always there, so that the first choice of a class on a live volume is refused as well.
        if "storage" in result["properties"]:
            result["properties"]["storage"]["default"] = {}
    if "items" in result:
        result["items"] = _flatten(result["items"], definitions)
    if isinstance(node.get("additionalProperties"), Mapping):
        result["additionalProperties"] = _flatten(node["additionalProperties"], definitions)
    # Only plain values: an object's default would freeze today's defaults into stored resources.
    if isinstance(node.get("default"), bool | int | str) and node["default"] != "":
        result["default"] = node["default"]
    return result


def _without_empty(node: Mapping[str, Any]) -> dict[str, Any]:
    """Drop empty lists of properties: the API server does, and what differs looks like drift."""
    kept = {key: value for key, value in node.items() if key != "properties" or value}
    if "properties" in kept:
        kept["properties"] = {
            name: _without_empty(child) for name, child in kept["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), Mapping):
            kept[key] = _without_empty(kept[key])
    return kept


def _without_defaults(node: dict[str, Any]) -> dict[str, Any]:
    """Status is written by the operator alone; nothing is filled in or refused there."""
    kept = {key: value for key, value in node.items() if key not in {"default", "required"}}
    if "properties" in kept:
        kept["properties"] = {
            name: _without_defaults(child) for name, child in kept["properties"].items()
        }
    if "items" in kept:
        kept["items"] = _without_defaults(kept["items"])
        if "required" in node["items"]:
            kept["items"]["required"] = node["items"]["required"]
    return kept
