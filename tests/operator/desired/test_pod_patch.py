"""`podTemplate`: merged by the keys Kubernetes uses, refused where it would break the operator."""

from typing import Any

import pytest
from support.deployables import Deployable, build_all, list_deployables
from support.messengers import make_messenger

from supmessenger_operator.desired.pod_patch import merge_pod_template
from supmessenger_operator.model import Stalled

_SELECTOR = {"app.kubernetes.io/component": "api"}


def merge(patch: dict[str, Any]) -> dict[str, Any]:
    """Merge a patch into a small template."""
    template = {
        "metadata": {"labels": {**_SELECTOR, "tier": "web"}},
        "spec": {
            "containers": [
                {
                    "name": "api",
                    "image": "one",
                    "env": [{"name": "A", "value": "1"}],
                    "command": ["a", "b"],
                },
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
    return merge_pod_template(template, patch, field="spec.api.podTemplate", selector=_SELECTOR)


def build_api(pod_template: dict[str, Any]) -> Deployable:
    """Build the api with a patch."""
    objects = build_all(make_messenger(spec={"api": {"podTemplate": pod_template}}))
    return next(one for one in list_deployables(objects) if one.component == "api")


def test_a_container_is_merged_by_its_name() -> None:
    patch = {"spec": {"containers": [{"name": "api", "env": [{"name": "B", "value": "2"}]}]}}
    (container,) = merge(patch)["spec"]["containers"]
    assert container["image"] == "one"
    assert [one["name"] for one in container["env"]] == ["A", "B"]


def test_another_container_is_added_beside_ours() -> None:
    merged = merge({"spec": {"containers": [{"name": "sidecar", "image": "two"}]}})
    assert [one["name"] for one in merged["spec"]["containers"]] == ["api", "sidecar"]


def test_a_list_without_a_key_is_replaced() -> None:
    patch = {"spec": {"containers": [{"name": "api", "command": ["c"]}]}}
    assert merge(patch)["spec"]["containers"][0]["command"] == ["c"]


def test_null_removes() -> None:
    assert merge({"metadata": {"labels": {"tier": None}}})["metadata"]["labels"] == _SELECTOR


def test_new_fields_are_added() -> None:
    tolerations = [{"key": "chat", "operator": "Exists"}]
    api = build_api({"spec": {"tolerations": tolerations, "priorityClassName": "high"}})
    assert api.pod["tolerations"] == tolerations
    assert api.pod["priorityClassName"] == "high"
    assert api.pod["containers"][0]["image"]


def test_annotations_are_added_beside_ours() -> None:
    api = build_api({"metadata": {"annotations": {"example.org/scrape": "true"}}})
    assert len(api.template["metadata"]["annotations"]) == 2


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"kind": "Pod"}, "spec.api.podTemplate.kind"),
        ({"spec": {"containers": {"api": {}}}}, "spec.api.podTemplate.spec.containers"),
        ({"spec": {"containers": [{"image": "x"}]}}, "spec.api.podTemplate.spec.containers[0]"),
        ({"spec": {"containers": ["api"]}}, "spec.api.podTemplate.spec.containers[0]"),
        ({"metadata": "x"}, "spec.api.podTemplate.metadata"),
        (
            {"metadata": {"labels": {"app.kubernetes.io/component": "x"}}},
            "spec.api.podTemplate.metadata.labels[app.kubernetes.io/component]",
        ),
        (
            {"metadata": {"labels": None}},
            "spec.api.podTemplate.metadata.labels[app.kubernetes.io/component]",
        ),
    ],
)
def test_what_can_not_be_merged_stalls_with_its_path(patch: dict[str, Any], field: str) -> None:
    with pytest.raises(Stalled) as caught:
        merge(patch)
    assert caught.value.field == field


def test_merging_changes_neither_side() -> None:
    patch = {"spec": {"containers": [{"name": "api", "image": "two"}]}}
    first = merge(patch)
    assert merge(patch) == first
    assert patch == {"spec": {"containers": [{"name": "api", "image": "two"}]}}
