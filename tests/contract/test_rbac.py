"""The chart's roles are what the operator's code calls, no more and no less."""

import re
from pathlib import Path

import yaml

from supmessenger_operator.cluster.kinds import CHILD_KINDS, KINDS
from supmessenger_operator.cluster.permissions import LEADER_PERMISSIONS, PERMISSIONS, build_rules

CHART = Path(__file__).resolve().parents[2] / "charts" / "sup-operator"


def test_the_chart_carries_exactly_the_rules_of_the_code() -> None:
    rules = yaml.safe_load((CHART / "files" / "rbac-rules.yaml").read_text())

    assert rules == build_rules()


def test_the_chart_s_roles_take_their_rules_from_that_file_only() -> None:
    template = (CHART / "templates" / "rbac.yaml").read_text()

    assert '.Files.Get "files/rbac-rules.yaml"' in template
    written = re.findall(r"^rules:.*$", template, flags=re.MULTILINE)
    assert written
    assert all("$rules." in line for line in written)
    assert not re.search(r"^\s*-?\s*(verbs|apiGroups):", template, flags=re.MULTILINE)


def test_nothing_is_asked_for_with_a_star() -> None:
    for rules in build_rules().values():
        for rule in rules:
            assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])


def test_secrets_and_volumes_are_never_deleted() -> None:
    for kind in ("Secret", "PersistentVolumeClaim"):
        assert not {"delete", "deletecollection"} & set(PERMISSIONS[kind])


def test_everything_that_is_built_can_be_watched_applied_and_listed() -> None:
    for kind in CHILD_KINDS:
        assert {"list", "watch", "create", "patch"} <= set(PERMISSIONS[kind]), kind


def test_the_lease_is_all_that_the_operator_s_own_namespace_gives() -> None:
    assert set(LEADER_PERMISSIONS) == {"Lease"}
    assert "Lease" not in PERMISSIONS
    assert set(PERMISSIONS) | set(LEADER_PERMISSIONS) >= set(KINDS)
