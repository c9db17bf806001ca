"""The API reference page and the chart's schema, both views of the one schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from supmessenger_operator.model.crd import build_root_schema, build_spec_schema


def build_values_schema() -> dict[str, Any]:
    """Return the platform chart's `values.schema.json`: values are the spec, unknown keys refused.

    Helm itself adds `global`.
    """
    schema = _closed(build_spec_schema())
    schema["properties"]["global"] = {"type": "object"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Generated from the model by hack/generate.py; do not edit.",
        "title": "Values of sup-messenger: the spec of one SupMessenger",
        **schema,
    }


def build_reference() -> str:
    """Return the API reference as Markdown: one table of spec, one of status."""
    root = build_root_schema()
    lines = [
        "<!-- Generated from the model by hack/generate.py; do not edit. -->",
        "# API reference: SupMessenger (supmessenger.io/v1alpha1)",
        "",
        "Every workload offers the same block: `replicas` or `autoscaling`, `resources`,"
        " `extraEnv`, `podTemplate`. Secrets are always referenced, never inlined.",
        "",
    ]
    for part in ("spec", "status"):
        lines += [f"## {part}", "", "| field | type | what it is |", "|---|---|---|"]
        lines += list(_rows(root["properties"][part], part))
        lines.append("")
    lines += ["## Rules", "", "The API server refuses what breaks one of these:", ""]
    lines += [f"- `{path}`: {message}" for path, message in _rules(root, "")]
    return "\n".join(lines) + "\n"


def _rows(node: Mapping[str, Any], path: str) -> Iterator[str]:
    if node.get("x-kubernetes-preserve-unknown-fields"):
        return
    required = set(node.get("required", ()))
    for name, child in node.get("properties", {}).items():
        where = f"{path}.{name}"
        text = child.get("description", "").replace("|", "\\|")
        mark = " (required)" if name in required else ""
        yield f"| `{where}`{mark} | {_type_of(child)} | {text} |"
        yield from _rows(child, where)
        if child.get("type") == "array":
            yield from _rows(child["items"], f"{where}[]")


def _type_of(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if node.get("x-kubernetes-int-or-string"):
        return "quantity"
    if node.get("type") == "array":
        return f"list of {_type_of(node['items'])}"
    if node.get("type") == "object" and "additionalProperties" in node:
        return "map"
    return str(node.get("type", "any"))


def _rules(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for rule in node.get("x-kubernetes-validations", ()):
        yield path or "metadata.name", rule["message"]
    for name, child in node.get("properties", {}).items():
        yield from _rules(child, f"{path}.{name}" if path else name)
    if isinstance(node.get("items"), Mapping):
        yield from _rules(node["items"], f"{path}[]")


def _closed(node: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a structural schema into plain JSON schema that refuses unknown keys."""
    result = {key: value for key, value in node.items() if not key.startswith("x-kubernetes")}
    if node.get("x-kubernetes-int-or-string"):
        pattern = result.pop("pattern")
        result["anyOf"] = [{"type": "number"}, {"type": "string", "pattern": pattern}]
    if "properties" in result:
        result["properties"] = {
            name: _closed(child) for name, child in result["properties"].items()
        }
    if isinstance(result.get("items"), Mapping):
        result["items"] = _closed(result["items"])
    if node.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = True
    elif result.get("type") == "object" and "properties" in result:
        result["additionalProperties"] = False
    elif node.get("type") == "object" and "additionalProperties" not in result:
        # An object without named fields: an empty choice.
        result["additionalProperties"] = False
    return result
