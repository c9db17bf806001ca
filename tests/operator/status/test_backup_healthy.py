"""Backups are judged by the newest one, and by how long the last good one is ago."""

import pytest
from support.facts import make_facts, make_object

from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.status import Status
from supmessenger_operator.status import compute_status


def look(status: Status, kind: str) -> tuple[str, str]:
    condition = status.find_condition(kind)
    assert condition is not None
    return condition.status, condition.reason


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], ("Unknown", "NoBackupYet")),
        (
            [make_object("CronJob", "backup", last_success="2026-01-01T02:00:00Z")],
            ("True", "BackedUp"),
        ),
        (
            [
                make_object(
                    "Job", "backup", name="a", created="2026-01-01T01:00:00Z", is_ready=True
                ),
                make_object(
                    "Job",
                    "backup",
                    name="b",
                    created="2026-01-01T02:00:00Z",
                    is_ready=False,
                    is_stuck=True,
                ),
            ],
            ("False", "BackupFailed"),
        ),
        (
            [
                make_object(
                    "Job",
                    "backup",
                    name="a",
                    created="2026-01-01T01:00:00Z",
                    is_ready=False,
                    is_stuck=True,
                ),
                make_object(
                    "Job", "backup", name="b", created="2026-01-01T02:00:00Z", is_ready=True
                ),
            ],
            ("True", "BackedUp"),
        ),
    ],
)
def test_the_newest_backup_decides(others: list[ObservedObject], expected: tuple[str, str]) -> None:
    assert look(compute_status(make_facts(*others)), "BackupHealthy") == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"last_success": "2025-12-30T11:30:00Z"}, ("True", "BackedUp")),
        ({"last_success": "2025-12-30T10:30:00Z"}, ("False", "BackupOverdue")),
        ({"created": "2025-12-30T11:30:00Z"}, ("Unknown", "NoBackupYet")),
        ({"created": "2025-12-30T10:30:00Z"}, ("False", "BackupOverdue")),
    ],
)
def test_a_backup_that_stays_away_for_two_periods_is_overdue(
    changes: dict[str, str], expected: tuple[str, str]
) -> None:
    status = compute_status(make_facts(make_object("CronJob", "backup", **changes)))

    assert look(status, "BackupHealthy") == expected
    condition = status.find_condition("BackupHealthy")
    assert condition is not None
    if expected[0] == "False":
        assert "no good backup since 2025-12-30T10:30:00Z" in condition.message
        assert "kubectl create job --from=cronjob/demo-backup" in condition.message
