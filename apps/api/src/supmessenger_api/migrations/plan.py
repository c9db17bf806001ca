"""Decides what to run: files and applied migrations in, an ordered plan out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from supmessenger_api.migrations.files import Migration

State = Literal["applied", "pending", "changed", "no file"]


class PlanError(Exception):
    """Files and database do not fit together; the message says what to do."""


@dataclass(frozen=True)
class Applied:
    """A row of schema_migrations."""

    name: str
    checksum: str
    applied_at: datetime
    elapsed_ms: int


def check_dependencies(migrations: Sequence[Migration]) -> None:
    """Raise PlanError unless each migration depends only on earlier ones that exist."""
    known: set[str] = set()
    names = {migration.name for migration in migrations}
    for migration in migrations:
        for dependency in migration.dependencies:
            if dependency not in names:
                raise PlanError(f"{migration.name} depends on {dependency}.sql, which is missing")
            if dependency not in known:
                raise PlanError(
                    f"{migration.name} depends on {dependency}, which does not come before it"
                )
        known.add(migration.name)


def check_applied(migrations: Sequence[Migration], applied: Sequence[Applied]) -> None:
    """Raise PlanError when an applied migration has no file, another content, or a gap before."""
    files = {migration.name: migration for migration in migrations}
    for row in applied:
        if row.name not in files:
            raise PlanError(
                f"{row.name} is applied but has no file here: this release is older than the "
                "database; run the newer release, or its `sup-migrate down` first"
            )
        if files[row.name].checksum != row.checksum:
            raise PlanError(
                f"{row.name} was changed after it was applied: restore the file, "
                "and put the change into a new migration"
            )
    names = {row.name for row in applied}
    newest = max(names, default="")
    for migration in migrations:
        if migration.name not in names and migration.name < newest:
            raise PlanError(
                f"{migration.name} is not applied but {newest}, which comes after it, is: "
                "give it a higher number"
            )


def compute_up(
    migrations: Sequence[Migration], applied: Sequence[Applied], *, target: str | None = None
) -> tuple[Migration, ...]:
    """Return what to apply, in order, up to and including `target` (default: everything)."""
    check_dependencies(migrations)
    check_applied(migrations, applied)
    _check_target(migrations, target)
    names = {row.name for row in applied}
    return tuple(
        migration
        for migration in migrations
        if migration.name not in names and (target is None or migration.name <= target)
    )


def compute_down(
    migrations: Sequence[Migration],
    applied: Sequence[Applied],
    *,
    target: str | None = None,
    everything: bool = False,
) -> tuple[Migration, ...]:
    """Return what to take back, newest first: the last one, all after `target`, or everything."""
    check_dependencies(migrations)
    check_applied(migrations, applied)
    _check_target(migrations, target)
    files = {migration.name: migration for migration in migrations}
    newest_first = [files[row.name] for row in sorted(applied, key=lambda row: row.name)][::-1]
    if everything:
        return tuple(newest_first)
    if target is not None:
        return tuple(migration for migration in newest_first if migration.name > target)
    return tuple(newest_first[:1])


def compute_states(
    migrations: Sequence[Migration], applied: Sequence[Applied]
) -> tuple[tuple[str, State, Applied | None], ...]:
    """Return name, state and row of every migration that a file or the database knows."""
    files = {migration.name: migration for migration in migrations}
    rows = {row.name: row for row in applied}
    states: list[tuple[str, State, Applied | None]] = []
    for name in sorted(files.keys() | rows.keys()):
        row = rows.get(name)
        if row is None:
            states.append((name, "pending", None))
        elif name not in files:
            states.append((name, "no file", row))
        else:
            same = files[name].checksum == row.checksum
            states.append((name, "applied" if same else "changed", row))
    return tuple(states)


def _check_target(migrations: Sequence[Migration], target: str | None) -> None:
    if target is not None and target not in {migration.name for migration in migrations}:
        raise PlanError(f"there is no migration {target}")
