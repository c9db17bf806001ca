"""Jobs written with the change that causes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from supmessenger_common.bindings import read_postgres
from supmessenger_common.database import Pool, open_connection
from supmessenger_common.identifiers import read_clock
from supmessenger_common.outbox import enqueue_job

pytestmark = pytest.mark.services

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class ChangeFailedError(Exception):
    """What a change raises that does not happen."""


async def test_a_committed_job_wakes_the_relay(
    postgres: Pool, postgres_binding: Path, bindings_folder: Path
) -> None:
    woken = asyncio.Event()
    listener = await open_connection(read_postgres(bindings_folder), application_name="test")
    await listener.add_listener("outbox", lambda *_: woken.set())
    async with postgres.acquire() as connection, connection.transaction():
        job_id = await enqueue_job(connection, "media.delete", {"objectKey": "k"}, now=NOW)
    async with asyncio.timeout(30):
        await woken.wait()
    await listener.close()
    row = await postgres.fetchrow("SELECT id, kind, payload, created_at FROM outbox")
    assert row is not None
    assert (row["id"], row["kind"], row["created_at"]) == (job_id, "media.delete", NOW)
    assert orjson.loads(row["payload"]) == {"objectKey": "k"}


@asynccontextmanager
async def listen(postgres: Pool, bindings: Path) -> AsyncIterator[list[str]]:
    """Hear of the outbox: one word a notification, all that came before the end of the block."""
    heard: list[str] = []
    ended = asyncio.Event()

    def note(_connection: object, _pid: int, _channel: str, word: object) -> None:
        heard.append(str(word))
        if word == "end":
            ended.set()

    listener = await open_connection(read_postgres(bindings), application_name="test")
    await listener.add_listener("outbox", note)
    yield heard
    # Notifications come in the order of commits.
    await postgres.execute("SELECT pg_notify('outbox', 'end')")
    async with asyncio.timeout(30):
        await ended.wait()
    await listener.close()
    heard.remove("end")


async def test_a_job_for_later_wakes_nobody(
    postgres: Pool, postgres_binding: Path, bindings_folder: Path
) -> None:
    now = read_clock()
    async with listen(postgres, bindings_folder) as heard, postgres.acquire() as connection:
        later = now + timedelta(seconds=75)
        await enqueue_job(connection, "push.look", {}, now=now, not_before=later)
    assert heard == []
    assert await postgres.fetchval("SELECT available_at FROM outbox") == later


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=1)])
async def test_a_job_for_now_wakes_the_relay_whosever_clock_is_ahead(
    postgres: Pool, postgres_binding: Path, bindings_folder: Path, ahead: timedelta
) -> None:
    async with (
        listen(postgres, bindings_folder) as heard,
        postgres.acquire() as connection,
        connection.transaction(),
    ):
        # The clock is read after the transaction began, which is the database's `now()`.
        await connection.execute("SELECT 1")
        await enqueue_job(connection, "media.delete", {}, now=read_clock() + ahead)
    assert heard == [""]


async def test_a_job_put_off_until_a_time_that_has_come_wakes_the_relay(
    postgres: Pool, postgres_binding: Path, bindings_folder: Path
) -> None:
    async with listen(postgres, bindings_folder) as heard, postgres.acquire() as connection:
        due = read_clock() - timedelta(minutes=1)
        earlier = due - timedelta(minutes=1)
        await enqueue_job(connection, "media.delete", {}, now=earlier, not_before=due)
    assert heard == [""]


async def test_a_change_that_fails_leaves_no_job(postgres: Pool) -> None:
    async def change() -> None:
        async with postgres.acquire() as connection, connection.transaction():
            await enqueue_job(connection, "media.delete", {"objectKey": "k"}, now=NOW)
            raise ChangeFailedError

    with pytest.raises(ChangeFailedError):
        await change()
    assert await postgres.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_kind_no_queue_takes_is_refused(postgres: Pool) -> None:
    async with postgres.acquire() as connection:
        with pytest.raises(ValueError, match="no queue takes"):
            await enqueue_job(connection, "fax.send", {}, now=NOW)
