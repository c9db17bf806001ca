"""What a stored message leaves behind for others, in the statement that stores it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trails:
    """Which rows beside the message are written.

    `push`: a job, when another member of the chat has a device that can be woken. `events`: an
    event for Kafka, which has everything but the content.
    """

    push: bool = False
    events: bool = False


NO_TRAILS = Trails()

# The job has the message's own id: one message, at most one job. Nobody to wake: nothing written.
PUSH_JOB = """, woken AS (
    INSERT INTO outbox (id, kind, payload, created_at, available_at)
    SELECT s.id, 'push.message',
           jsonb_build_object('chatId', s.chat_id, 'seq', s.seq, 'senderDeviceId', $4::uuid),
           s.sent_at, s.sent_at
    FROM stored s
    WHERE EXISTS (
        SELECT FROM chat_members cm
        JOIN devices d ON d.user_id = cm.user_id AND d.revoked_at IS NULL
        JOIN push_tokens p ON p.device_id = d.id
        WHERE cm.chat_id = $2 AND cm.user_id <> $3)
)"""

# Written while the chat's counter is locked: the ids of a chat's events ascend as its seqs do.
EVENT = """, told AS (
    INSERT INTO event_outbox (chat_id, seq, body)
    SELECT s.chat_id, s.seq, jsonb_build_object(
        'messageId', s.id, 'senderId', $3::uuid, 'senderDeviceId', $4::uuid,
        'contentType', $6::text, 'encrypted', c.type <> 'channel',
        'sentAt', to_char(s.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    FROM stored s CROSS JOIN counter c
)"""


def build_trails(trails: Trails) -> str:
    """Return the parts of the statement that leave these rows."""
    return (PUSH_JOB if trails.push else "") + (EVENT if trails.events else "")
