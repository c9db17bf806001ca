"""What the socket service reads from the database beside single messages."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from supmessenger_common.database import Executor
from supmessenger_common.identifiers import encode_bytes
from supmessenger_common.messages.events import HintRecipient
from supmessenger_common.messages.history import build_message
from supmessenger_common.messages.model import Message


@dataclass(frozen=True)
class OwnChat:
    """A chat as one member sees it: what exists, was read, and came before the member."""

    chat: UUID
    last_seq: int
    last_read_seq: int
    joined_seq: int


@dataclass(frozen=True)
class StoredPage:
    """Messages of a chat in order, and the ciphertexts of the devices asked for."""

    messages: list[Message]
    recipients: dict[UUID, list[HintRecipient]]


_OWN_CHATS = """
SELECT m.chat_id, c.last_seq, m.joined_seq, coalesce(r.last_read_seq, 0) AS last_read_seq
FROM chat_members m
JOIN chats c ON c.id = m.chat_id
LEFT JOIN message_reads r ON r.chat_id = m.chat_id AND r.user_id = m.user_id
WHERE m.user_id = $1 AND ($2::uuid IS NULL OR m.chat_id = $2)
"""
_LAST_SEQS = "SELECT id, last_seq FROM chats WHERE id = ANY($1)"
_MEMBERSHIPS = "SELECT user_id, chat_id FROM chat_members WHERE user_id = ANY($1)"
_REVOKED = "SELECT id FROM sessions WHERE id = ANY($1) AND revoked_at IS NOT NULL"
_IS_MEMBER = "SELECT EXISTS (SELECT FROM chat_members WHERE chat_id = $1 AND user_id = $2)"
_SHARED = """
SELECT DISTINCT other.user_id FROM chat_members own
JOIN chat_members other ON other.chat_id = own.chat_id
WHERE own.user_id = $1 AND other.user_id = ANY($2)
"""
_PAGE = """
SELECT id, seq, sender_id, sender_device_id, sent_at, content_type, content, reply_to
FROM messages WHERE chat_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
_RECIPIENTS = """
SELECT message_id, device_id, type, ciphertext FROM message_recipients
WHERE message_id = ANY($1) AND device_id = ANY($2)
"""


async def fetch_own_chats(
    executor: Executor, user: UUID, *, chat: UUID | None = None
) -> dict[UUID, OwnChat]:
    """Return the chats of a user, or only `chat` when the user is in it."""
    rows = await executor.fetch(_OWN_CHATS, user, chat)
    return {
        row["chat_id"]: OwnChat(
            chat=row["chat_id"],
            last_seq=row["last_seq"],
            last_read_seq=row["last_read_seq"],
            joined_seq=row["joined_seq"],
        )
        for row in rows
    }


async def fetch_last_seqs(executor: Executor, chats: Collection[UUID]) -> dict[UUID, int]:
    """Return the newest place of each chat that exists."""
    rows = await executor.fetch(_LAST_SEQS, list(chats))
    return {row["id"]: row["last_seq"] for row in rows}


async def fetch_memberships(executor: Executor, users: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return the chats of each of these users."""
    found: dict[UUID, set[UUID]] = {user: set() for user in users}
    for row in await executor.fetch(_MEMBERSHIPS, list(users)):
        found[row["user_id"]].add(row["chat_id"])
    return found


async def fetch_revoked(executor: Executor, sessions: Collection[UUID]) -> set[UUID]:
    """Return which of these sessions were ended."""
    return {row["id"] for row in await executor.fetch(_REVOKED, list(sessions))}


async def fetch_is_member(executor: Executor, chat: UUID, *, user: UUID) -> bool:
    """Return whether a user is in a chat now."""
    return bool(await executor.fetchval(_IS_MEMBER, chat, user))


async def fetch_acquaintances(
    executor: Executor, user: UUID, *, among: Collection[UUID]
) -> set[UUID]:
    """Return who of these people shares a chat with `user`; oneself does."""
    rows = await executor.fetch(_SHARED, user, list(among))
    return {row["user_id"] for row in rows} | ({user} & set(among))


async def fetch_page(
    executor: Executor, chat: UUID, *, after: int, limit: int, devices: Collection[UUID]
) -> StoredPage:
    """Return the next messages of a chat, for all members who are connected here at once."""
    rows = await executor.fetch(_PAGE, chat, after, limit)
    messages = [build_message(row, chat) for row in rows]
    recipients: dict[UUID, list[HintRecipient]] = {}
    if messages and devices:
        ids = [message.id for message in messages]
        for row in await executor.fetch(_RECIPIENTS, ids, list(devices)):
            recipients.setdefault(row["message_id"], []).append(
                HintRecipient(
                    deviceId=str(row["device_id"]),
                    type=row["type"],
                    ciphertext=encode_bytes(row["ciphertext"]),
                )
            )
    return StoredPage(messages=messages, recipients=recipients)
