"""Rows that served their purpose: used-up verification links and remembered jobs."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

KEEP_USED_VERIFICATIONS = timedelta(days=7)
# Longer than any job is tried again, so that no late delivery of one is carried out twice.
KEEP_JOBS_DONE = timedelta(days=7)

_DELETE_VERIFICATIONS = """
WITH batch AS (
    SELECT token_hash FROM email_verifications WHERE expires_at <= $1 OR used_at <= $2
    LIMIT $3 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM email_verifications v USING batch WHERE v.token_hash = batch.token_hash
    RETURNING 1
)
SELECT count(*) FROM gone
"""
_DELETE_JOBS_DONE = """
WITH batch AS (
    SELECT id FROM jobs_done WHERE done_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM jobs_done j USING batch WHERE j.id = batch.id RETURNING 1
)
SELECT count(*) FROM gone
"""


async def delete_expired_verifications(
    connection: "AnyConnection", *, now: datetime, batch: int
) -> int:
    """Delete up to `batch` links that expired or were used a week ago."""
    used_before = now - KEEP_USED_VERIFICATIONS
    return int(await connection.fetchval(_DELETE_VERIFICATIONS, now, used_before, batch))


async def delete_old_jobs_done(connection: "AnyConnection", *, now: datetime, batch: int) -> int:
    """Delete up to `batch` remembered jobs that no delivery can name any more."""
    return int(await connection.fetchval(_DELETE_JOBS_DONE, now - KEEP_JOBS_DONE, batch))
