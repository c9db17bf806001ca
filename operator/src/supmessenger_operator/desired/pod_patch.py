"""`podTemplate`: a person's patch, merged as Kubernetes merges a keyed patch."""

from collections.abc import Mapping
from typing import Any

from supmessenger_operator.model import Stalled

# Lists that Kubernetes merges by a key; every other list is replaced whole.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}


def merge_pod_template(
    template: Mapping[str, Any],
    patch: Mapping[str, Any],
    *,
    field: str,
    selector: Mapping[str, str],
) -> dict[str, Any]:
    """Return the template with the patch merged in: null removes, keyed lists merge by key."""
    unknown = sorted(set(patch) - {"metadata", "spec"})
    if unknown:
        raise Stalled("a pod template has only metadata and spec", field=f"{field}.{unknown[0]}")
    merged = _merge_mapping(template, patch, field=field)
    metadata = merged.get("metadata", {})
    for name in ("labels", "annotations"):
        if not isinstance(metadata.get(name, {}), Mapping):
            raise Stalled("must be an object", field=f"{field}.metadata.{name}")
    labels = metadata.get("labels", {})
    for name, value in selector.items():
        if labels.get(name) != value:
            raise Stalled(
                "the operator finds its pods by this label; leave it as it is",
                field=f"{field}.metadata.labels[{name}]",
            )
    return merged


def _merge_mapping(
    base: Mapping[str, Any], patch: Mapping[str, Any], *, field: str
) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        path = f"{field}.{key}"
        current = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(current, Mapping):
            if not isinstance(value, Mapping):
                raise Stalled("must be an object", field=path)
            merged[key] = _merge_mapping(current, value, field=path)
        elif isinstance(current, list) and key in _MERGE_KEYS:
            merged[key] = _merge_list(current, value, key=_MERGE_KEYS[key], field=path)
        else:
            merged[key] = value
    return merged


def _merge_list(base: list[Any], patch: Any, *, key: str, field: str) -> list[Any]:
    if not isinstance(patch, list):
        raise Stalled("must be a list", field=field)
    merged = {item[key]: item for item in base}
    for index, item in enumerate(patch):
        path = f"{field}[{index}]"
        if not isinstance(item, Mapping) or not isinstance(item.get(key), str | int):
            raise Stalled(f"needs {key}, by which it is merged", field=path)
        merged[item[key]] = _merge_mapping(merged.get(item[key], {}), item, field=path)
    return list(merged.values())
