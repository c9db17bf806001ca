"""Which fields of others are taken over, and which are left to them."""

from typing import Any

import pytest

from supmessenger_operator.model.ownership import compute_taken_over, has_foreign_fields

PORTS: dict[str, Any] = {"f:ports": {'k:{"port":9999}': {".": {}, "f:port": {}}}}
OURS = {"manager": "sup-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:type": {}}}}


def make_live(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"managedFields": [OURS, *entries]}}


def make_entry(manager: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    return {**entry, "subresource": subresource} if subresource else entry


RESTART: dict[str, Any] = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {}}}}}


@pytest.mark.parametrize(
    ("kind", "entry", "is_foreign"),
    [
        ("Service", make_entry("kubectl-patch", {"f:spec": PORTS}), True),
        ("ConfigMap", make_entry("kubectl-edit", {"f:data": {"f:x": {}}}), True),
        ("Deployment", make_entry("kubectl-rollout", RESTART), False),
        ("Deployment", make_entry("kube-controller-manager", {"f:spec": {}}), False),
        ("Deployment", make_entry("kubectl", {"f:spec": {"f:replicas": {}}}, "scale"), False),
        ("Service", make_entry("controller", {"f:metadata": {"f:annotations": {}}}), False),
        ("PersistentVolumeClaim", make_entry("any", {"f:spec": {"f:volumeName": {}}}), False),
    ],
)
def test_only_what_is_ours_to_shape_is_foreign(
    kind: str, entry: dict[str, Any], is_foreign: bool
) -> None:
    assert has_foreign_fields(make_live(kind, entry)) is is_foreign


def test_taking_over_moves_the_part_and_leaves_the_rest() -> None:
    metadata: dict[str, Any] = {"f:metadata": {"f:labels": {"f:theirs": {}}}}
    status = make_entry("kube-controller-manager", {"f:status": {}}, "status")
    edit = make_entry("kubectl-patch", {"f:spec": PORTS, **metadata})

    assert compute_taken_over([OURS, edit, status]) == [
        {**OURS, "fieldsV1": {"f:spec": {"f:type": {}, **PORTS}}},
        {**edit, "fieldsV1": metadata},
        status,
    ]
