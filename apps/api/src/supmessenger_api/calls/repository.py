"""SQL of calls that only the API needs: who may call, starting, declining, the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supmessenger_common.calls.model import Call, Kind
from supmessenger_common.calls.store import CALL_COLUMNS, build_call, find_call
from supmessenger_common.calls.welcome import BLOCKED
from supmessenger_common.database import Executor, Pool

_STANDING = f"""
SELECT (c.type <> 'channel' OR m.role IN ('owner', 'admin')) AS may_call,
       (c.type = 'direct' OR m.role IN ('owner', 'admin')) AS may_end,
       {BLOCKED} AS blocked
FROM chat_members m JOIN chats c ON c.id = m.chat_id
WHERE m.chat_id = $1 AND m.user_id = $2
"""
# Not the chat's row: messages must not wait for a call.
_LOCK_CHAT = "SELECT pg_advisory_xact_lock(hashtextextended('call:' || $1::text, 0))"
_FIND_OPEN = f"""
SELECT {CALL_COLUMNS} FROM calls c
WHERE c.chat_id = $1 AND c.ended_at IS NULL ORDER BY c.started_at LIMIT 1
"""
_INSERT = """
INSERT INTO calls (id, chat_id, initiator_id, kind, status, livekit_room, started_at)
VALUES ($1, $2, $3, $4, 'ringing', $5, $6)
"""
_FIND_OWN = f"""
SELECT {CALL_COLUMNS} FROM calls c JOIN chat_members m ON m.chat_id = c.chat_id
WHERE c.id = $1 AND m.user_id = $2 AND (c.ended_at IS NULL OR c.ended_at >= m.joined_at)
"""
_HISTORY = f"""
SELECT {CALL_COLUMNS} FROM calls c JOIN chat_members m ON m.chat_id = c.chat_id
WHERE c.chat_id = $1 AND m.user_id = $2 AND ($3::uuid IS NULL OR c.id < $3)
  AND (c.ended_at IS NULL OR c.ended_at >= m.joined_at)
ORDER BY c.id DESC LIMIT $4
"""
_DECLINE = """
UPDATE calls SET metadata = jsonb_set(metadata, '{declined}',
    coalesce(metadata -> 'declined', '[]') || to_jsonb($2::text))
WHERE id = $1 AND NOT coalesce(metadata -> 'declined', '[]') ? $2::text
"""
_ALL_DECLINED = """
SELECT NOT EXISTS (
    SELECT FROM chat_members m
    WHERE m.chat_id = c.chat_id AND m.user_id IS DISTINCT FROM c.initiator_id
      AND NOT coalesce(c.metadata -> 'declined', '[]') ? m.user_id::text)
FROM calls c WHERE c.id = $1
"""


@dataclass(frozen=True)
class Standing:
    """What a member may do about calls of a chat."""

    may_call: bool
    may_end: bool
    blocked: bool


@dataclass(frozen=True)
class NewCall:
    """A call to insert, unless its chat has an open one."""

    id: UUID
    chat_id: UUID
    initiator_id: UUID
    kind: Kind
    started_at: datetime

    @property
    def room(self) -> str:
        """The room's name on the media server."""
        return str(self.id)


async def find_standing(executor: Executor, chat_id: UUID, *, user_id: UUID) -> Standing | None:
    """Return what a user may do; None for who is not in the chat."""
    row = await executor.fetchrow(_STANDING, chat_id, user_id)
    return None if row is None else Standing(**dict(row))


async def find_open(executor: Executor, chat_id: UUID) -> Call | None:
    """Return the call that is on in a chat."""
    row = await executor.fetchrow(_FIND_OPEN, chat_id)
    return None if row is None else build_call(row)


async def insert_call(pool: Pool, new: NewCall) -> tuple[Call, bool]:
    """Return the chat's open call and whether it is the new one: a chat has one at a time."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK_CHAT, str(new.chat_id))
        found = await find_open(connection, new.chat_id)
        if found is not None:
            return found, False
        await connection.execute(
            _INSERT,
            new.id,
            new.chat_id,
            new.initiator_id,
            new.kind,
            new.room,
            new.started_at,
        )
        call = await find_call(connection, new.id)
        assert call is not None, "inserted above"
        return call, True


async def find_own_call(executor: Executor, call_id: UUID, *, user_id: UUID) -> Call | None:
    """Return a call of one of the user's chats."""
    row = await executor.fetchrow(_FIND_OWN, call_id, user_id)
    return None if row is None else build_call(row)


async def fetch_history(
    executor: Executor, chat_id: UUID, *, user_id: UUID, before: UUID | None, limit: int
) -> Sequence[Call]:
    """Return the calls of a chat, the newest first."""
    return [
        build_call(row) for row in await executor.fetch(_HISTORY, chat_id, user_id, before, limit)
    ]


async def note_declined(executor: Executor, call_id: UUID, *, user_id: UUID) -> bool:
    """Remember that a member declined; True when nobody is left for whom it rings."""
    await executor.execute(_DECLINE, call_id, str(user_id))
    return bool(await executor.fetchval(_ALL_DECLINED, call_id))
