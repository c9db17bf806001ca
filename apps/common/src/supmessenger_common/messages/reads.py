"""How far a member has read: one pointer per chat that never goes back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supmessenger_common.database import Executor
from supmessenger_common.messages.store import build_not_a_member

_ADVANCE = """
WITH before AS (
    SELECT last_read_seq FROM message_reads WHERE chat_id = $1 AND user_id = $2
)
INSERT INTO message_reads AS r (chat_id, user_id, last_read_seq, read_at)
SELECT m.chat_id, m.user_id, least($3::bigint, c.last_seq), $4
FROM chat_members m JOIN chats c ON c.id = m.chat_id
WHERE m.chat_id = $1 AND m.user_id = $2
ON CONFLICT (chat_id, user_id) DO UPDATE
SET last_read_seq = greatest(r.last_read_seq, excluded.last_read_seq),
    read_at = CASE WHEN excluded.last_read_seq > r.last_read_seq
                   THEN excluded.read_at ELSE r.read_at END
RETURNING last_read_seq, coalesce((SELECT last_read_seq FROM before), 0) AS previous
"""


@dataclass(frozen=True)
class ReadPointer:
    """Where the pointer stands now; `advanced` says whether peers should hear of it."""

    seq: int
    advanced: bool


async def advance_read(
    executor: Executor, chat_id: UUID, *, user_id: UUID, seq: int, now: datetime
) -> ReadPointer:
    """Move the pointer to `seq`, at most to the newest message; 403 for a stranger."""
    row = await executor.fetchrow(_ADVANCE, chat_id, user_id, seq, now)
    if row is None:
        raise build_not_a_member()
    reached = int(row["last_read_seq"])
    return ReadPointer(seq=reached, advanced=reached > row["previous"])
