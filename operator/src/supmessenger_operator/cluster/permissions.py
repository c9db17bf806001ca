"""What the operator may do, beside the code that does it; the chart's role is generated from it.

The client refuses a call that is not in this table, so the table can't fall behind the code, and
a test compares the chart with it.
"""

from collections import defaultdict
from typing import Any

from supmessenger_operator.cluster.kinds import CHILD_KINDS, KINDS

_APPLIED = ("get", "list", "watch", "create", "patch", "delete")

# Verbs by kind (a slash names a subresource).
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "SupMessenger": ("get", "list", "watch"),
    "SupMessenger/status": ("patch",),
    # Owner references that block deletion need this where the cluster enforces it.
    "SupMessenger/finalizers": ("update",),
    **dict.fromkeys(CHILD_KINDS, _APPLIED),
    # The volumes of backups are made by us and kept: no delete.
    "PersistentVolumeClaim": ("get", "list", "watch", "create", "patch"),
    # Made once, adopted when they exist, never deleted.
    "Secret": ("get", "list", "watch", "create", "patch"),
    "ControllerRevision": ("list", "create", "delete"),
    # Listed for the words of ended Jobs; the rest because a role can only be given by who has it:
    # an instance's Prometheus finds its targets so.
    "Pod": ("get", "list", "watch"),
    "Event": ("create",),
}

# In the operator's own namespace only.
LEADER_PERMISSIONS: dict[str, tuple[str, ...]] = {"Lease": ("get", "create", "update")}


def build_rules() -> dict[str, list[dict[str, Any]]]:
    """Return the rules of the chart's roles: where instances live, and beside the operator."""
    return {
        "instance": _build_rules(PERMISSIONS),
        "operator": _build_rules(LEADER_PERMISSIONS),
    }


def _build_rules(permissions: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, verbs in permissions.items():
        kind, slash, subresource = name.partition("/")
        served = KINDS[kind]
        grouped[(served.group, verbs)].append(f"{served.plural}{slash}{subresource}")
    return [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": list(verbs)}
        for (group, verbs), plurals in sorted(grouped.items())
    ]
