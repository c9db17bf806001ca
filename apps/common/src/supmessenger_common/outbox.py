"""Jobs begin as rows written in the transaction of the change that causes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from supmessenger_common.broker import compute_routing_key
from supmessenger_common.database import AnyConnection
from supmessenger_common.identifiers import create_id

_INSERT = """
INSERT INTO outbox (id, kind, payload, created_at, available_at)
VALUES ($1, $2, $3::jsonb, $4, $5) ON CONFLICT (id) DO NOTHING
"""


async def enqueue_job(
    connection: AnyConnection,
    kind: str,
    payload: dict[str, Any],
    *,
    now: datetime,
    not_before: datetime | None = None,
    job_id: UUID | None = None,
) -> UUID:
    """Write a job inside the caller's transaction; its commit wakes the relay.

    The relay leaves it alone until `not_before`, when that is given. A `job_id` of the caller's
    makes it one job however often it is written.
    """
    # A kind no queue takes would never leave the table: refuse it here, where the bug is.
    compute_routing_key(kind)
    job_id = job_id or create_id()
    body = orjson.dumps(payload).decode()
    await connection.execute(_INSERT, job_id, kind, body, now, not_before or now)
    return job_id
