"""How far apart the runs of a schedule are, read from its five fields."""

from datetime import UTC, datetime, timedelta

import pytest

from supmessenger_operator.model.schedule import compute_longest_gap

NOW = datetime(2026, 3, 15, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("0 2 * * *", timedelta(days=1)),
        ("*/15 * * * *", timedelta(minutes=15)),
        ("0 */6 * * *", timedelta(hours=6)),
        ("0 8-18/5 * * *", timedelta(hours=14)),
        ("30 4 * * 0", timedelta(days=7)),
        ("30 4 * * 7", timedelta(days=7)),
        ("0 3 * * mon-fri", timedelta(days=3)),
        ("0 0 1 * *", timedelta(days=31)),
        ("0 0 1 jan ?", timedelta(days=365)),
        # A day of the month or of the week: either is enough when both are given.
        ("0 0 1 * sun", timedelta(days=7)),
    ],
)
def test_the_longest_gap(schedule: str, gap: timedelta) -> None:
    assert compute_longest_gap(schedule, now=NOW) == gap


def test_a_day_that_never_comes_has_no_gap() -> None:
    assert compute_longest_gap("0 0 31 feb *", now=NOW) is None
