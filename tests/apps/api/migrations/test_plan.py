"""What is run follows from the files and from what is applied."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from supmessenger_api.migrations.files import Migration, Script
from supmessenger_api.migrations.plan import (
    Applied,
    PlanError,
    compute_down,
    compute_states,
    compute_up,
)

SCRIPT = Script(Path("x.sql"), (), in_transaction=True)


def build_migration(name: str, *dependencies: str) -> Migration:
    return Migration(
        name=name,
        description="",
        created=date(2026, 1, 1),
        dependencies=dependencies,
        checksum=f"sum of {name}",
        up=SCRIPT,
        down=SCRIPT,
    )


FIRST = build_migration("000_first")
SECOND = build_migration("001_second", "000_first")
THIRD = build_migration("002_third", "000_first", "001_second")
ALL = (FIRST, SECOND, THIRD)


def build_applied(*migrations: Migration) -> tuple[Applied, ...]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(Applied(each.name, each.checksum, now, 1) for each in migrations)


def test_what_is_pending_is_applied_in_order() -> None:
    assert compute_up(ALL, build_applied(FIRST)) == (SECOND, THIRD)
    assert compute_up(ALL, (), target="001_second") == (FIRST, SECOND)
    assert compute_up(ALL, build_applied(*ALL)) == ()


def test_the_way_back_is_newest_first() -> None:
    applied = build_applied(*ALL)
    assert compute_down(ALL, applied) == (THIRD,)
    assert compute_down(ALL, applied, target="000_first") == (THIRD, SECOND)
    assert compute_down(ALL, applied, everything=True) == (THIRD, SECOND, FIRST)
    assert compute_down(ALL, ()) == ()


@pytest.mark.parametrize(
    ("migrations", "applied", "problem"),
    [
        ((FIRST, build_migration("001_x", "000_nobody")), (), "000_nobody.sql, which is missing"),
        ((FIRST, build_migration("001_x", "001_x")), (), "does not come before it"),
        ((build_migration("000_x", "001_y"), build_migration("001_y")), (), "come before"),
        ((FIRST,), build_applied(FIRST, SECOND), "001_second is applied but has no file"),
        ((replace(FIRST, checksum="other"),), build_applied(FIRST), "changed after it was applied"),
        (ALL, build_applied(FIRST, THIRD), "001_second is not applied but 002_third"),
    ],
)
def test_what_does_not_fit_is_refused_in_both_directions(
    migrations: tuple[Migration, ...], applied: tuple[Applied, ...], problem: str
) -> None:
    with pytest.raises(PlanError, match=problem):
        compute_up(migrations, applied)
    with pytest.raises(PlanError, match=problem):
        compute_down(migrations, applied)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(PlanError, match="there is no migration 009_x"):
        compute_up(ALL, (), target="009_x")


def test_the_state_of_each_migration_is_told() -> None:
    applied = build_applied(replace(FIRST, checksum="other"), SECOND, build_migration("009_gone"))
    states = compute_states(ALL, applied)
    assert [(name, state) for name, state, _ in states] == [
        ("000_first", "changed"),
        ("001_second", "applied"),
        ("002_third", "pending"),
        ("009_gone", "no file"),
    ]
