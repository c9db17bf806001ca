"""Sessions that ended: rows leave, and devices nobody can log in with are unlinked."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

# A session that was ended stays visible to its owner for this long.
KEEP_REVOKED = timedelta(days=7)

# Messages must name every active device of a chat: one whose session expired can never read
# them, so it stops being active.
_DELETE = """
WITH batch AS (
    SELECT id FROM sessions WHERE expires_at <= $1 OR revoked_at <= $2
    LIMIT $3 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM sessions s USING batch WHERE s.id = batch.id RETURNING s.id, s.device_id
), unlinked AS (
    UPDATE devices d SET revoked_at = $1
    WHERE d.id IN (SELECT device_id FROM gone) AND d.revoked_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM sessions s
        WHERE s.device_id = d.id AND s.revoked_at IS NULL AND s.expires_at > $1)
)
SELECT count(*) FROM gone
"""


async def delete_expired_sessions(connection: "AnyConnection", *, now: datetime, batch: int) -> int:
    """Delete up to `batch` sessions; returns how many."""
    return int(await connection.fetchval(_DELETE, now, now - KEEP_REVOKED, batch))
