"""Reads the messages of a chat by their place in it, as one device may see them."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from supmessenger_common.database import Executor
from supmessenger_common.messages.model import Message, Recipient
from supmessenger_common.messages.store import build_not_a_member

_SELECT = """
SELECT p.id, p.seq, p.sender_id, p.sender_device_id, p.sent_at, p.content_type, p.content,
       p.reply_to, r.type AS recipient_type, r.ciphertext
FROM chat_members m
LEFT JOIN LATERAL (
    SELECT * FROM messages
    WHERE chat_id = $1 AND seq > greatest($4::bigint, m.joined_seq) AND seq < $5::bigint
    ORDER BY seq {order} LIMIT $6
) p ON true
LEFT JOIN message_recipients r ON r.message_id = p.id AND r.device_id = $3
WHERE m.chat_id = $1 AND m.user_id = $2
ORDER BY p.seq
"""
_FORWARD = _SELECT.format(order="ASC")
_BACKWARD = _SELECT.format(order="DESC")
_END = 2**63 - 1


@dataclass(frozen=True)
class Viewer:
    """Who reads: membership is the user's, ciphertexts are the device's."""

    user_id: UUID
    device_id: UUID


async def fetch_after(
    executor: Executor,
    chat_id: UUID,
    *,
    viewer: Viewer,
    after: int,
    limit: int,
    before: int | None = None,
) -> list[Message]:
    """Return the first messages with `after < seq < before`, ascending; 403 for a stranger."""
    end = _END if before is None else before
    rows = await executor.fetch(
        _FORWARD, chat_id, viewer.user_id, viewer.device_id, after, end, limit
    )
    return _build_messages(rows, chat_id, viewer)


async def fetch_before(
    executor: Executor, chat_id: UUID, *, viewer: Viewer, limit: int, before: int | None = None
) -> list[Message]:
    """Return the last messages with `seq < before`, ascending; 403 for a stranger."""
    end = _END if before is None else before
    rows = await executor.fetch(_BACKWARD, chat_id, viewer.user_id, viewer.device_id, 0, end, limit)
    return _build_messages(rows, chat_id, viewer)


def _build_messages(rows: list[asyncpg.Record], chat_id: UUID, viewer: Viewer) -> list[Message]:
    if not rows:
        raise build_not_a_member()
    return [_build_message(row, chat_id, viewer) for row in rows if row["id"] is not None]


def _build_message(row: asyncpg.Record, chat_id: UUID, viewer: Viewer) -> Message:
    recipient = None
    if row["ciphertext"] is not None:
        recipient = Recipient(
            device_id=viewer.device_id, type=row["recipient_type"], ciphertext=row["ciphertext"]
        )
    return build_message(row, chat_id, recipient=recipient)


def build_message(
    row: asyncpg.Record, chat_id: UUID, *, recipient: Recipient | None = None
) -> Message:
    """Return the message of a row of `messages`, with one device's own part if there is one."""
    return Message(
        id=row["id"],
        chat_id=chat_id,
        seq=row["seq"],
        sender_id=row["sender_id"],
        sender_device_id=row["sender_device_id"],
        sent_at=row["sent_at"],
        content_type=row["content_type"],
        content=row["content"],
        reply_to=row["reply_to"],
        recipient=recipient,
    )
