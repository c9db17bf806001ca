"""Stores a message: place in the chat, membership and idempotency in one statement."""

from functools import cache

import asyncpg

from supmessenger_common.database import Executor
from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.messages.model import NewMessage, StoredMessage
from supmessenger_common.messages.trails import NO_TRAILS, Trails, build_trails

# The counter's row lock orders the writers of a chat. A duplicate that slips past `existing`
# fails on the unique constraint, which takes the counter back with it: no gap.
_PARTS = """
WITH existing AS (
    SELECT id, chat_id, seq, sent_at FROM messages
    WHERE sender_device_id = $4 AND client_msg_id = $5
), member AS (
    SELECT c.type, (c.type <> 'channel' OR m.role IN ('owner', 'admin')) AS may_write,
           c.type = 'direct' AND EXISTS (
               SELECT FROM chat_members p
               WHERE p.chat_id = m.chat_id AND p.user_id <> m.user_id AND (
                   EXISTS (SELECT FROM blocked_users
                           WHERE user_id = p.user_id AND blocked_id = m.user_id)
                   OR EXISTS (SELECT FROM blocked_users
                              WHERE user_id = m.user_id AND blocked_id = p.user_id))
           ) AS blocked
    FROM chat_members m JOIN chats c ON c.id = m.chat_id
    WHERE m.chat_id = $2 AND m.user_id = $3
), reply AS (
    SELECT 1 WHERE $8::uuid IS NULL
    UNION ALL
    SELECT 1 FROM messages WHERE id = $8 AND chat_id = $2
){devices}, counter AS (
    UPDATE chats SET last_seq = last_seq + 1
    WHERE id = $2
      AND EXISTS (SELECT FROM member WHERE may_write AND NOT blocked)
      AND EXISTS (SELECT FROM reply)
      AND NOT EXISTS (SELECT FROM existing){matched}
    RETURNING last_seq, type
), stored AS (
    INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id,
                          content_type, content, reply_to, sent_at, encrypted)
    SELECT $1, $2, last_seq, $3, $4, $5, $6, $7, $8, $9, type <> 'channel' FROM counter
    RETURNING id, chat_id, seq, sent_at
){copies}{trails}
SELECT coalesce(e.id, s.id) AS id, coalesce(e.chat_id, s.chat_id) AS chat_id,
       coalesce(e.seq, s.seq) AS seq, coalesce(e.sent_at, s.sent_at) AS sent_at,
       e.id IS NOT NULL AS repeated, m.type AS chat_type, m.may_write, m.blocked,
       EXISTS (SELECT FROM reply) AS reply_found{differences}
FROM (SELECT) AS one
LEFT JOIN existing e ON true LEFT JOIN stored s ON true LEFT JOIN member m ON true
"""

_PLAIN = {"devices": "", "matched": "", "copies": "", "differences": ""}

# A device takes part once it has published keys: before that nobody can encrypt to it.
_FOR_DEVICES = {
    "devices": """, expected AS (
    SELECT d.id FROM chat_members cm
    JOIN devices d ON d.user_id = cm.user_id AND d.revoked_at IS NULL
    JOIN identity_keys k ON k.device_id = d.id
    WHERE cm.chat_id = $2 AND d.id <> $4
), given AS (
    SELECT DISTINCT id FROM unnest($10::uuid[]) AS id
), missing AS (
    SELECT id FROM expected EXCEPT SELECT id FROM given
), extra AS (
    SELECT id FROM given EXCEPT SELECT id FROM expected
)""",
    "matched": """
      AND NOT EXISTS (SELECT FROM missing) AND NOT EXISTS (SELECT FROM extra)""",
    "copies": """, copies AS (
    INSERT INTO message_recipients (message_id, device_id, type, ciphertext)
    SELECT stored.id, r.device_id, r.type, r.ciphertext
    FROM stored,
         unnest($10::uuid[], $11::smallint[], $12::bytea[]) AS r (device_id, type, ciphertext)
)""",
    "differences": """,
       ARRAY(SELECT id FROM missing ORDER BY id) AS missing,
       ARRAY(SELECT id FROM extra ORDER BY id) AS extra""",
}

_FIND = """
SELECT m.id, m.chat_id, m.seq, m.sent_at, c.type AS chat_type, true AS repeated
FROM messages m JOIN chats c ON c.id = m.chat_id
WHERE m.sender_device_id = $1 AND m.client_msg_id = $2
"""


async def store_message(
    executor: Executor, message: NewMessage, *, trails: Trails = NO_TRAILS
) -> StoredMessage:
    """Store a message, or find what an earlier send of the same `client_msg_id` stored.

    Must run outside an open transaction. Raises 403 `not_a_member`, `not_allowed` or `blocked`,
    409 `device_mismatch` (with `missing`, `extra`) or `client_msg_id_reused`,
    422 `reply_to_unknown` or `recipients_repeated`.
    """
    named = message.recipients or ()
    if len({item.device_id for item in named}) != len(named):
        raise build_recipients_repeated()
    try:
        row = await executor.fetchrow(*build_query(message, trails))
    except asyncpg.UniqueViolationError:
        row = await executor.fetchrow(_FIND, message.sender_device_id, message.client_msg_id)
        if row is None:
            raise
    assert row is not None
    if row["id"] is None:
        raise build_refusal(row)
    if row["chat_id"] != message.chat_id:
        raise PlatformError(
            409, "client_msg_id_reused", "This clientMsgId was used in another chat."
        )
    return StoredMessage(
        id=row["id"],
        chat_id=row["chat_id"],
        seq=row["seq"],
        sent_at=row["sent_at"],
        chat_type=row["chat_type"] or "direct",
        repeated=row["repeated"],
    )


@cache
def build_statement(*, for_devices: bool, trails: Trails) -> str:
    """Return the text of the statement; each of the few there are is prepared once."""
    parts = _FOR_DEVICES if for_devices else _PLAIN
    return _PARTS.format(**parts, trails=build_trails(trails))


def build_query(message: NewMessage, trails: Trails = NO_TRAILS) -> tuple[str, *tuple[object, ...]]:
    """Return the statement for a message and its arguments."""
    values = (
        message.id,
        message.chat_id,
        message.sender_id,
        message.sender_device_id,
        message.client_msg_id,
        message.content_type,
        message.content,
        message.reply_to,
        message.sent_at,
    )
    if message.recipients is None:
        return (build_statement(for_devices=False, trails=trails), *values)
    return (
        build_statement(for_devices=True, trails=trails),
        *values,
        [item.device_id for item in message.recipients],
        [item.type for item in message.recipients],
        [item.ciphertext for item in message.recipients],
    )


def build_refusal(row: asyncpg.Record) -> PlatformError:
    """Return why the statement stored nothing."""
    if row["may_write"] is None:
        return build_not_a_member()
    if not row["may_write"]:
        return PlatformError(403, "not_allowed", "Only its administrators write in a channel.")
    if row["blocked"]:
        return build_blocked()
    if not row["reply_found"]:
        return PlatformError(
            422,
            "reply_to_unknown",
            "There is no such message in this chat to reply to.",
            errors=(FieldError("replyTo", "not a message of this chat"),),
        )
    return PlatformError(
        409,
        "device_mismatch",
        "The recipients are not exactly the other active devices of the chat's members.",
        extra={
            "missing": [str(device) for device in row["missing"]],
            "extra": [str(device) for device in row["extra"]],
        },
    )


def build_blocked() -> PlatformError:
    """Return the refusal of a direct chat whose two members want nothing of each other."""
    return PlatformError(403, "blocked", "One of you has blocked the other.")


def build_recipients_repeated() -> PlatformError:
    """Return 422 for ciphertexts of which two are for one device."""
    return PlatformError(
        422,
        "recipients_repeated",
        "A device is named more than once.",
        errors=(FieldError("recipients", "must name each device once"),),
    )


def build_not_a_member() -> PlatformError:
    """Return the refusal of who is not in a chat, which also hides whether it exists."""
    return PlatformError(403, "not_a_member", "You are not a member of this chat.")
