"""Rows that served their purpose: used-up links and tokens, and remembered jobs."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

KEEP_USED_VERIFICATIONS = timedelta(days=7)
# Longer than any job is tried again, so that no late delivery of one is carried out twice.
KEEP_JOBS_DONE = timedelta(days=7)
# A session ends 90 days after its last refresh: older tokens are refused whoever brings them,
# and a session that is used every day would gather them for ever.
KEEP_RETIRED_TOKENS = timedelta(days=90)

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
_DELETE_RETIRED_TOKENS = """
WITH batch AS (
    SELECT refresh_hash FROM retired_refresh_tokens WHERE retired_at <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM retired_refresh_tokens t USING batch WHERE t.refresh_hash = batch.refresh_hash
    RETURNING 1
)
SELECT count(*) FROM gone
"""
# An unlinked device is never woken again, and its row stays for its messages' sake.
_DELETE_PUSH_TOKENS = """
WITH batch AS (
    SELECT p.device_id FROM push_tokens p JOIN devices d ON d.id = p.device_id
    WHERE d.revoked_at <= $1 LIMIT $2 FOR UPDATE OF p SKIP LOCKED
), gone AS (
    DELETE FROM push_tokens p USING batch WHERE p.device_id = batch.device_id RETURNING 1
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


async def delete_retired_tokens(connection: "AnyConnection", *, now: datetime, batch: int) -> int:
    """Delete up to `batch` refresh tokens that were replaced so long ago that none is good."""
    before = now - KEEP_RETIRED_TOKENS
    return int(await connection.fetchval(_DELETE_RETIRED_TOKENS, before, batch))


async def delete_useless_push_tokens(
    connection: "AnyConnection", *, now: datetime, batch: int
) -> int:
    """Delete up to `batch` push tokens of devices that were unlinked."""
    return int(await connection.fetchval(_DELETE_PUSH_TOKENS, now, batch))
