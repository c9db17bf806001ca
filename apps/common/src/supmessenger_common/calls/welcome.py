"""Who may be in a call: asked when a device joins, and again for as long as it is in the room."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from supmessenger_common.calls.model import Call, Presence
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.calls.store import end_call, note_expelled, record_presence
from supmessenger_common.database import Executor, Pool
from supmessenger_common.errors import PlatformError
from supmessenger_common.log import get_logger

_log = get_logger("calls")
# A client may come back once or twice in good faith, by a connection that it had lost.
RETURNS = 3

# Of a member `m` of a chat `c`: one has blocked the other.
BLOCKED = """
c.type = 'direct' AND EXISTS (
    SELECT FROM chat_members p
    JOIN blocked_users b ON (b.user_id = p.user_id AND b.blocked_id = m.user_id)
                         OR (b.user_id = m.user_id AND b.blocked_id = p.user_id)
    WHERE p.chat_id = m.chat_id AND p.user_id <> m.user_id)
"""
# Of rooms that are not ours, or whose call is over, nobody: they are dealt with as a whole.
_UNWELCOME = f"""
SELECT asked.id FROM calls k CROSS JOIN unnest($2::uuid[]) AS asked (id)
WHERE k.livekit_room = $1 AND k.ended_at IS NULL AND NOT EXISTS (
    SELECT FROM devices d
    JOIN users u ON u.id = d.user_id
    JOIN chats c ON c.id = k.chat_id
    JOIN chat_members m ON m.chat_id = c.id AND m.user_id = d.user_id
    WHERE d.id = asked.id AND d.revoked_at IS NULL AND u.status = 'active'
      AND EXISTS (SELECT FROM sessions s WHERE s.device_id = d.id AND s.revoked_at IS NULL)
      AND NOT ({BLOCKED}))
"""


async def fetch_unwelcome(executor: Executor, room: str, devices: Collection[UUID]) -> set[UUID]:
    """Return which devices may not be in the call of a room.

    Their session ended, their account is not active, they are no member of the chat (any more),
    or one side of a direct chat has blocked the other.
    """
    return {row["id"] for row in await executor.fetch(_UNWELCOME, room, list(devices))}


async def expel(
    pool: Pool, rooms: Rooms, room: str, presence: Presence, *, now: datetime
) -> Call | None:
    """Take out of a room who may not be there, and end his stay; the call when that is news.

    The media server gives everybody who enters a token to enter with again, and takes none back:
    who uses them over and over is shut out only by ending the call, for the room of another one
    he has no token. Raises 503 `calls_unreachable`: then he is in the call still, and so says his
    stay.
    """
    await rooms.expel(room, presence.identity)
    _log.info("taken out of a call", room=room, device=presence.identity)
    if await note_expelled(pool, room, presence) <= RETURNS:
        return await record_presence(pool, room, presence, left_at=now)
    _log.warning("call ended for who came back too often", room=room, device=presence.identity)
    # Before the room goes: of its end the media server tells at once, and what is told here after
    # that must not show the call as it was before.
    ended = await end_call(pool, room, now=now)
    changed = await record_presence(pool, room, presence, left_at=now)
    try:
        await rooms.remove(room)
    except PlatformError as error:
        # The worker removes the rooms of calls that are over.
        _log.warning("room not removed", room=room, why=str(error))
    return changed or ended
