"""Runs a plan: one transaction a migration, its version row inside, one runner at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import asyncpg

from supmessenger_api.migrations.files import Migration, Script
from supmessenger_api.migrations.record import delete_applied, write_applied
from supmessenger_api.migrations.statements import Statement
from supmessenger_common.bindings import PostgresBinding
from supmessenger_common.database import Connection, build_ssl

# Any number that nothing else in the database uses: all runners must agree on it.
ADVISORY_LOCK = 0x5355504D
# A migration that waits for a table makes everybody behind it wait too: rather give up and retry.
LOCK_TIMEOUT = "5s"
LOCK_ATTEMPTS = 6
RETRY_SECONDS = 2.0

Direction = Literal["up", "down"]
Say = Callable[[str], None]


class UnreachableError(Exception):
    """The database did not answer, or another runner did not end, before the deadline."""


class MigrationError(Exception):
    """A statement failed; nothing of its migration is left, unless it ran without transaction."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.migration}, line {failure.line}: {failure.message}")
        self.failure = failure


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a failed statement leaves for people: SQLSTATE, message and line of the file."""

    migration: str
    direction: Direction
    sqlstate: str
    message: str
    line: int
    detail: str | None = None
    hint: str | None = None


@asynccontextmanager
async def patient_connection(
    binding: PostgresBinding, *, wait_seconds: float, say: Say
) -> AsyncIterator[Connection]:
    """Connect, waiting for the database until it answers."""
    deadline = time.monotonic() + wait_seconds
    connection = await _connect(binding, deadline=deadline, say=say)
    try:
        yield connection
        await connection.close(timeout=5)
    finally:
        connection.terminate()  # does nothing to one that is closed


@asynccontextmanager
async def locked_connection(
    binding: PostgresBinding, *, wait_seconds: float, say: Say
) -> AsyncIterator[Connection]:
    """Connect and keep every other runner out; the lock ends with the connection."""
    deadline = time.monotonic() + wait_seconds
    async with patient_connection(binding, wait_seconds=wait_seconds, say=say) as connection:
        await _lock(connection, deadline=deadline, say=say)
        await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        yield connection


async def _connect(binding: PostgresBinding, *, deadline: float, say: Say) -> Connection:
    last = ""
    while True:
        try:
            return await asyncpg.connect(
                host=binding.host,
                port=binding.port,
                user=binding.username,
                password=binding.password,
                database=binding.database,
                ssl=build_ssl(binding),
                timeout=max(1.0, min(10.0, deadline - time.monotonic())),
                statement_cache_size=0,
                server_settings={"application_name": "sup-migrate", "timezone": "UTC"},
            )
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
            reason = str(error) or type(error).__name__
        except (asyncpg.TooManyConnectionsError, asyncpg.ConnectionDoesNotExistError) as error:
            reason = str(error)
        if time.monotonic() >= deadline:
            raise UnreachableError(f"{binding.host}:{binding.port} does not answer: {reason}")
        if reason != last:
            say(f"waiting for {binding.host}:{binding.port} ({reason})")
            last = reason
        await asyncio.sleep(0.5)


async def _lock(connection: Connection, *, deadline: float, say: Say) -> None:
    told = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK):
        if time.monotonic() >= deadline:
            raise UnreachableError("another sup-migrate is at work on this database")
        if not told:
            say("waiting for another sup-migrate to end")
            told = True
        await asyncio.sleep(0.2)


async def apply_plan(
    connection: Connection, plan: Sequence[Migration], *, direction: Direction, say: Say
) -> None:
    """Run the migrations of a plan in its order; MigrationError at the first that fails."""
    for number, migration in enumerate(plan, 1):
        begun = time.monotonic()
        await _apply_with_retries(connection, migration, direction=direction, say=say)
        elapsed = time.monotonic() - begun
        say(f"{direction} {migration.name} [{number}/{len(plan)}] {elapsed:.2f} s")


async def _apply_with_retries(
    connection: Connection, migration: Migration, *, direction: Direction, say: Say
) -> None:
    """Retry what only failed because a table was busy: nothing of it is left."""
    script = migration.up if direction == "up" else migration.down
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            return await _apply(connection, migration, script, direction=direction)
        except MigrationError as error:
            busy = error.failure.sqlstate == asyncpg.LockNotAvailableError.sqlstate
            if not (busy and script.in_transaction and attempt < LOCK_ATTEMPTS):
                raise
            say(f"{migration.name} waits for a lock; attempt {attempt} of {LOCK_ATTEMPTS}")
            await asyncio.sleep(RETRY_SECONDS)


async def _apply(
    connection: Connection, migration: Migration, script: Script, *, direction: Direction
) -> None:
    begun = time.monotonic()
    if not script.in_transaction:
        await _execute(connection, migration, script, direction=direction)
        await _write_row(connection, migration, direction=direction, begun=begun)
        return
    async with connection.transaction():
        await _execute(connection, migration, script, direction=direction)
        await _write_row(connection, migration, direction=direction, begun=begun)


async def _write_row(
    connection: Connection, migration: Migration, *, direction: Direction, begun: float
) -> None:
    if direction == "down":
        await delete_applied(connection, migration)
    else:
        elapsed_ms = int((time.monotonic() - begun) * 1000)
        await write_applied(connection, migration, elapsed_ms=elapsed_ms)


async def _execute(
    connection: Connection, migration: Migration, script: Script, *, direction: Direction
) -> None:
    for statement in script.statements:
        try:
            await connection.execute(statement.text)
        except asyncpg.PostgresError as error:
            failure = build_failure(migration.name, direction, statement=statement, error=error)
            raise MigrationError(failure) from error


def build_failure(
    migration: str, direction: Direction, *, statement: Statement, error: asyncpg.PostgresError
) -> Failure:
    """Return what to tell about a failed statement; its line is that of the error when known."""
    position = getattr(error, "position", None)
    return Failure(
        migration=migration,
        direction=direction,
        sqlstate=error.sqlstate or "",
        message=error.message if hasattr(error, "message") else str(error),
        line=statement.compute_line(int(position)) if position else statement.line,
        detail=getattr(error, "detail", None),
        hint=getattr(error, "hint", None),
    )
