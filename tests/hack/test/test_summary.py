"""A run ends with a table, a line that counts, and an exit code that tells the truth."""

from pathlib import Path

import pytest

from suptiers.summary import Result, build_summary, compute_exit_code, parse_report
from suptiers.tiers import TIERS, explain_unhosted, find_tiers


def test_the_last_line_counts_all_tiers() -> None:
    results = [Result(name="unit", passed=3), Result(name="node", passed=1, failed=2, skipped=4)]
    assert build_summary(results).splitlines()[-1] == "4 passed, 2 failed, 4 skipped"


@pytest.mark.parametrize(
    ("result", "strict", "code"),
    [
        (Result(name="unit", passed=1), False, 0),
        (Result(name="unit", passed=1), True, 0),
        (Result(name="node", skipped=1), False, 0),
        (Result(name="node", skipped=1), True, 1),
        (Result(name="unit", passed=9, failed=1), False, 1),
    ],
)
def test_a_skipped_tier_fails_only_in_ci(result: Result, strict: bool, code: int) -> None:
    assert compute_exit_code([result], strict=strict) == code


def test_a_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(
        '<testsuites><testsuite tests="10" failures="1" errors="2" skipped="3"/></testsuites>'
    )
    assert parse_report(report) == (4, 3, 3)


def test_tiers_keep_their_order_whatever_the_order_of_names() -> None:
    assert [t.name for t in find_tiers(["node", "unit"])] == ["unit", "node"]
    assert find_tiers([]) == tuple(tier for tier in TIERS if not tier.by_name)
    for name in ("kind", "gitops"):
        assert [t.name for t in find_tiers([name])] == [name]
        assert name not in {tier.name for tier in find_tiers([])}


def test_an_unknown_tier_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'nodes'"):
        find_tiers(["nodes"])


def test_only_tiers_with_pods_need_root_and_say_the_cure() -> None:
    reasons = {t.name: explain_unhosted(t, system="Linux", uid=1000) for t in TIERS}
    assert {name for name, reason in reasons.items() if reason} == {"node", "kind", "gitops"}
    assert "sudo make test-node" in reasons["node"]
    assert "sudo make test-kind" in reasons["kind"]
    assert explain_unhosted(find_tiers(["kind"])[0], system="Linux", uid=0) == ""
