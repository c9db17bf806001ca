"""Who is to be woken: tokens of a chat's members who neither muted it nor read so far."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from supmessenger_common.outbox import enqueue_job
from supmessenger_worker.pushes.model import Target

if TYPE_CHECKING:
    from supmessenger_common.database import Pool

# A newer message of the same person has a job of its own that wakes the same people.
_TARGETS = """
SELECT p.device_id, p.provider, p.token
FROM messages m
JOIN chat_members cm ON cm.chat_id = m.chat_id AND cm.user_id IS DISTINCT FROM m.sender_id
JOIN devices d ON d.user_id = cm.user_id AND d.revoked_at IS NULL
JOIN push_tokens p ON p.device_id = d.id
LEFT JOIN chat_settings s ON s.chat_id = cm.chat_id AND s.user_id = cm.user_id
LEFT JOIN message_reads r ON r.chat_id = cm.chat_id AND r.user_id = cm.user_id
WHERE m.chat_id = $1 AND m.seq = $2 AND m.deleted_at IS NULL
  AND ($4::uuid[] IS NULL OR p.device_id = ANY($4))
  AND (s.muted_until IS NULL OR s.muted_until <= $3)
  AND coalesce(r.last_read_seq, 0) < m.seq
  AND NOT EXISTS (
      SELECT FROM messages n
      WHERE n.chat_id = m.chat_id AND n.seq > m.seq AND n.sender_id = m.sender_id)
"""
_DELETE = "DELETE FROM push_tokens WHERE device_id = $1 AND token = $2"


class PushRepository:
    """Tokens, and jobs for another attempt."""

    def __init__(self, pool: "Pool") -> None:
        """Use this pool."""
        self._pool = pool

    async def find_targets(
        self, chat_id: UUID, seq: int, *, now: datetime, devices: Sequence[UUID] | None = None
    ) -> list[Target]:
        """Return where a message is to be announced; of `devices` only, when they are named."""
        rows = await self._pool.fetch(_TARGETS, chat_id, seq, now, devices)
        return [Target(row["device_id"], row["provider"], row["token"]) for row in rows]

    async def forget(self, target: Target) -> None:
        """Delete a token that is good for nothing, unless the device has a new one by now."""
        await self._pool.execute(_DELETE, target.device_id, target.sealed)

    async def enqueue(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        now: datetime,
        not_before: datetime,
        job_id: UUID | None = None,
    ) -> None:
        """Leave a job for later; one with this id, however often it is left."""
        async with self._pool.acquire() as connection, connection.transaction():
            await enqueue_job(
                connection, kind, payload, now=now, not_before=not_before, job_id=job_id
            )
