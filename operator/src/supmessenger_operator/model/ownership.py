"""Who owns which field of a live object, and how ours to shape become ours to remove.

Server-side apply removes only what its own manager has set. A port, a container or an environment
variable that a person added by hand would stay for ever, or make our apply impossible (two ports of
one name). So before a repair the ownership of such fields is taken over.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from supmessenger_operator.model.messenger import FIELD_MANAGER

Entries = Sequence[Mapping[str, Any]]

# Kinds whose spec or data is ours alone. A volume claim's spec is completed by the cluster.
SHAPED_KINDS = frozenset(
    {
        "ConfigMap",
        "CronJob",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "StatefulSet",
    }
)
_SHAPED_PARTS = ("f:spec", "f:data", "f:binaryData", "f:rules", "f:subjects")
_CONTROLLERS = frozenset({FIELD_MANAGER, "kube-controller-manager"})


def has_foreign_fields(live: Mapping[str, Any]) -> bool:
    """Whether somebody else owns a part of what is ours to shape."""
    entries = live["metadata"].get("managedFields") or ()
    return live["kind"] in SHAPED_KINDS and any(_take(entry) for entry in entries)


def compute_taken_over(entries: Entries) -> list[dict[str, Any]]:
    """Return the managed fields with every such part moved to our own entry."""
    ours: dict[str, Any] = {}
    others: list[dict[str, Any]] = []
    taken: list[Mapping[str, Any]] = []
    for entry in entries:
        if entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply":
            ours = copy.deepcopy(dict(entry))
            continue
        found = _take(entry)
        if not found:
            others.append(copy.deepcopy(dict(entry)))
            continue
        taken.append(found)
        rest = {key: value for key, value in entry["fieldsV1"].items() if key not in found}
        if rest:
            others.append({**copy.deepcopy(dict(entry)), "fieldsV1": copy.deepcopy(rest)})
    for fields in taken:
        _merge(ours.setdefault("fieldsV1", {}), fields)
    return [ours, *others] if "manager" in ours else others


def _take(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of an entry that are ours to shape and belong to somebody else."""
    if entry["manager"] in _CONTROLLERS or entry.get("subresource"):
        return {}
    parts = {part: entry["fieldsV1"][part] for part in _SHAPED_PARTS if part in entry["fieldsV1"]}
    template = parts.get("f:spec", {}).get("f:template", {})
    # `kubectl rollout restart` writes there: taking it back would undo the restart.
    if set(parts) == {"f:spec"} and set(parts["f:spec"]) == {"f:template"}:
        return {} if set(template) == {"f:metadata"} else parts
    return parts


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        _merge(target.setdefault(key, {}), value)
