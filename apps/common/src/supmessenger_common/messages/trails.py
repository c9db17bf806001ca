"""What a stored message leaves behind for others, in the statement that stores it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trails:
    """Which rows beside the message are written.

    `push`: a job, when another member of the chat has a device that can be woken.
    """

    push: bool = False


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


def build_trails(trails: Trails) -> str:
    """Return the parts of the statement that leave these rows."""
    return PUSH_JOB if trails.push else ""
