"""Turns deleted rows of `media_files` into jobs that remove their objects."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from supmessenger_common.outbox import enqueue_job
from supmessenger_worker.jobs.media_delete import DELETE

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection


async def enqueue_deletions(
    connection: "AnyConnection", rows: Sequence[asyncpg.Record], *, now: datetime
) -> None:
    """Enqueue a job for each object of these rows, in the transaction that deleted them."""
    for row in rows:
        for key in (row["object_key"], row["thumbnail_object_key"], *row["rendition_keys"]):
            if key is not None:
                await enqueue_job(connection, DELETE, {"objectKey": key}, now=now)
