"""Accounts whose address nobody proved: they hold a handle and an address that others may want."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

# As long as the first link is good; a newer link keeps its account until it expires as well.
KEEP_UNCONFIRMED = timedelta(hours=24)

_DELETE = """
WITH batch AS (
    SELECT id FROM users u
    WHERE status = 'pending' AND created_at <= $1 AND NOT EXISTS (
        SELECT FROM email_verifications v WHERE v.user_id = u.id AND v.expires_at > $2)
    LIMIT $3 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM users u USING batch WHERE u.id = batch.id RETURNING 1
)
SELECT count(*) FROM gone
"""


async def delete_unconfirmed_accounts(
    connection: "AnyConnection", *, now: datetime, batch: int
) -> int:
    """Delete up to `batch` accounts that were never confirmed and cannot be any more."""
    return int(await connection.fetchval(_DELETE, now - KEEP_UNCONFIRMED, now, batch))
