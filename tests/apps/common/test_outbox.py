"""Jobs written with the change that causes them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from supmessenger_common.bindings import read_postgres
from supmessenger_common.database import Pool, open_connection
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
    async with asyncio.timeout(5):
        await woken.wait()
    await listener.close()
    row = await postgres.fetchrow("SELECT id, kind, payload, created_at FROM outbox")
    assert row is not None
    assert (row["id"], row["kind"], row["created_at"]) == (job_id, "media.delete", NOW)
    assert orjson.loads(row["payload"]) == {"objectKey": "k"}


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
