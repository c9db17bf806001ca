"""SQL of chats."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_common.database import AnyConnection, Executor

_ACTIVE = "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status = 'active')"
_BLOCKED = """
SELECT EXISTS (SELECT FROM blocked_users
               WHERE (user_id = $1 AND blocked_id = $2) OR (user_id = $2 AND blocked_id = $1))
"""
_INSERT = """
INSERT INTO chats (id, type, direct_key, created_by, created_at) VALUES ($1, 'direct', $2, $3, $4)
ON CONFLICT (direct_key) DO NOTHING RETURNING id
"""
_FIND_DIRECT = "SELECT id FROM chats WHERE direct_key = $1"
_INSERT_MEMBERS = """
INSERT INTO chat_members (chat_id, user_id, joined_at)
SELECT $1, member, $3 FROM unnest($2::uuid[]) AS member
"""
_SELECT = """
SELECT c.id, c.type, c.title, c.last_seq, c.created_at,
       coalesce(r.last_read_seq, 0) AS last_read_seq,
       ARRAY(SELECT user_id FROM chat_members WHERE chat_id = c.id ORDER BY joined_at, user_id)
           AS member_ids,
       ARRAY(SELECT role FROM chat_members WHERE chat_id = c.id ORDER BY joined_at, user_id)
           AS member_roles
FROM chat_members m
JOIN chats c ON c.id = m.chat_id
LEFT JOIN message_reads r ON r.chat_id = m.chat_id AND r.user_id = m.user_id
WHERE m.user_id = $1 AND {condition}
"""
_GET = _SELECT.format(condition="c.id = $2")
_LIST = _SELECT.format(condition="($2::uuid IS NULL OR c.id > $2) ORDER BY c.id LIMIT $3")


@dataclass(frozen=True)
class DirectChat:
    """A direct chat to insert, unless the pair has one."""

    id: UUID
    key: str
    creator_id: UUID
    peer_id: UUID
    created_at: datetime


async def is_active(executor: Executor, user_id: UUID) -> bool:
    """Say whether there is such an active user."""
    return bool(await executor.fetchval(_ACTIVE, user_id))


async def is_blocked(executor: Executor, user_id: UUID, peer_id: UUID) -> bool:
    """Say whether one of the two has blocked the other."""
    return bool(await executor.fetchval(_BLOCKED, user_id, peer_id))


async def insert_direct(connection: AnyConnection, chat: DirectChat) -> bool:
    """Insert the chat and its two members; False when the pair has one already."""
    inserted = await connection.fetchval(
        _INSERT, chat.id, chat.key, chat.creator_id, chat.created_at
    )
    if inserted is None:
        return False
    members = [chat.creator_id, chat.peer_id]
    await connection.execute(_INSERT_MEMBERS, chat.id, members, chat.created_at)
    return True


async def find_direct(executor: Executor, key: str) -> UUID:
    """Return the chat of a pair that has one."""
    return UUID(str(await executor.fetchval(_FIND_DIRECT, key)))


async def find_chat(executor: Executor, chat_id: UUID, *, user_id: UUID) -> asyncpg.Record | None:
    """Return a chat the user is a member of."""
    return await executor.fetchrow(_GET, user_id, chat_id)


async def fetch_chats(
    executor: Executor, user_id: UUID, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Return the user's chats after one, in the order they were created."""
    return await executor.fetch(_LIST, user_id, after, limit)
