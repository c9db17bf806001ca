"""SQL of calls that more than one service needs: reading, and each change that may happen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_common.calls.model import (
    Call,
    Presence,
    Stay,
    compute_answered,
    compute_answered_before,
    compute_status,
    compute_stay_id,
)
from supmessenger_common.database import AnyConnection, Executor, Pool

# Rooms hold fewer; of who left, the latest.
STAYS_LIMIT = 200
# Every device that is in the call, and one stay of each person who is not any more: events and
# answers carry no more, however often people come and go.
CALL_COLUMNS = f"""
c.id, c.chat_id, c.kind, c.status, c.livekit_room, c.initiator_id, c.started_at, c.answered_at,
c.ended_at,
ARRAY(
    SELECT row(latest.user_id, latest.device_id, latest.joined_at, latest.left_at)
    FROM (
        SELECT DISTINCT ON (p.user_id, CASE WHEN p.left_at IS NULL THEN p.device_id END)
            p.*, bool_or(p.left_at IS NULL) OVER (PARTITION BY p.user_id) AS is_in
        FROM call_participants p WHERE p.call_id = c.id
        ORDER BY p.user_id, CASE WHEN p.left_at IS NULL THEN p.device_id END, p.joined_at DESC, p.id
    ) latest
    WHERE latest.left_at IS NULL OR NOT latest.is_in
    ORDER BY latest.left_at IS NULL DESC, latest.joined_at DESC, latest.id LIMIT {STAYS_LIMIT}
) AS stays
"""
_FIND = f"SELECT {CALL_COLUMNS} FROM calls c WHERE c.id = $1"
_LOCK = "SELECT id FROM calls WHERE livekit_room = $1 FOR UPDATE"
_OPEN = f"""
SELECT {CALL_COLUMNS} FROM calls c
WHERE c.ended_at IS NULL AND ($1::uuid IS NULL OR c.id > $1) ORDER BY c.id LIMIT $2
"""
_CLOSED_ROOMS = (
    "SELECT livekit_room FROM calls WHERE livekit_room = ANY($1) AND ended_at IS NOT NULL"
)
# In the calls that a device is in.
_OPEN_OF_SESSION = f"""
SELECT {CALL_COLUMNS} FROM calls c
WHERE c.ended_at IS NULL AND c.id IN (
    SELECT p.call_id FROM call_participants p JOIN sessions s ON s.device_id = p.device_id
    WHERE s.id = $1 AND p.left_at IS NULL)
"""
_OWNER = "SELECT user_id FROM devices WHERE id = $1"
# One row for each device, of its latest stay, whatever the order of the news. The earliest word
# of leaving is the true one: the end of the room closes stays whose end is told later.
_JOIN = """
INSERT INTO call_participants (id, call_id, user_id, device_id, joined_at, left_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET joined_at = excluded.joined_at, left_at = excluded.left_at
WHERE excluded.joined_at > call_participants.joined_at
   OR (excluded.joined_at = call_participants.joined_at
       AND excluded.left_at < coalesce(call_participants.left_at, 'infinity'))
RETURNING id
"""
# By when he came in: several may have taken him out at once.
_NOTE_EXPELLED = """
UPDATE calls SET metadata = jsonb_set(metadata, '{expelled}',
    coalesce(metadata -> 'expelled', '{}') || jsonb_build_object($2::text,
        coalesce(metadata -> 'expelled' -> $2::text, '[]') || to_jsonb($3::text)))
WHERE livekit_room = $1 AND NOT coalesce(metadata -> 'expelled' -> $2::text, '[]') ? $3::text
"""
_COUNT_EXPELLED = """
SELECT jsonb_array_length(metadata -> 'expelled' -> $2::text) FROM calls WHERE livekit_room = $1
"""
_LEAVE_ALL = """
UPDATE call_participants SET left_at = greatest(joined_at, $2)
WHERE call_id = $1 AND left_at IS NULL
"""
_SETTLE = "UPDATE calls SET ended_at = $2, status = $3, answered_at = $4 WHERE id = $1"


async def find_call(executor: Executor, call_id: UUID) -> Call | None:
    """Return a call, or None."""
    row = await executor.fetchrow(_FIND, call_id)
    return None if row is None else build_call(row)


async def fetch_open_calls(executor: Executor, *, after: UUID | None, limit: int) -> Sequence[Call]:
    """Return calls that have not ended, the oldest first."""
    return [build_call(row) for row in await executor.fetch(_OPEN, after, limit)]


async def fetch_calls_of_session(executor: Executor, session_id: UUID) -> Sequence[Call]:
    """Return the open calls that the device of a session is in."""
    return [build_call(row) for row in await executor.fetch(_OPEN_OF_SESSION, session_id)]


async def fetch_closed_rooms(executor: Executor, rooms: Sequence[str]) -> Sequence[str]:
    """Return which of these rooms belong to calls that ended."""
    return [row["livekit_room"] for row in await executor.fetch(_CLOSED_ROOMS, rooms)]


async def record_presence(
    pool: Pool, room: str, presence: Presence, *, left_at: datetime | None
) -> Call | None:
    """Record that a device is, or was until `left_at`, in a room; the call when that is news."""
    async with pool.acquire() as connection, connection.transaction():
        call = await _lock_call(connection, room)
        if call is None or presence.device_id is None or _is_too_late(call, presence):
            return None
        # A device that was erased or never was cannot be told whose stay it is.
        user_id = await connection.fetchval(_OWNER, presence.device_id)
        if user_id is None:
            return None
        left_at = _earlier(left_at, call.ended_at)
        is_news = await connection.fetchval(
            _JOIN,
            compute_stay_id(call.id, presence.device_id),
            call.id,
            user_id,
            presence.device_id,
            presence.joined_at,
            left_at and max(left_at, presence.joined_at),
        )
        answered_at = compute_answered(call, user_id=user_id, joined_at=presence.joined_at)
        if is_news is None and answered_at == call.answered_at:
            return None
        return await _settle(connection, call, answered_at=answered_at)


async def note_expelled(executor: Executor, room: str, presence: Presence) -> int:
    """Remember that somebody was taken out of a room; returns how often he was."""
    came = presence.joined_at.isoformat()
    await executor.execute(_NOTE_EXPELLED, room, presence.identity, came)
    return int(await executor.fetchval(_COUNT_EXPELLED, room, presence.identity) or 0)


async def end_call(
    pool: Pool, room: str, *, now: datetime, declined: bool = False, unanswered: bool = False
) -> Call | None:
    """End a call and everybody's stay; None when it had ended, or there is no such room.

    With `declined` or `unanswered` only a call that still rings: one that was answered since the
    caller looked goes on.
    """
    async with pool.acquire() as connection, connection.transaction():
        call = await _lock_call(connection, room)
        if call is None or not call.is_open:
            return None
        if (declined or unanswered) and call.status != "ringing":
            return None
        await connection.execute(_LEAVE_ALL, call.id, now)
        over = replace(
            call,
            ended_at=max(call.started_at, now),
            status="declined" if declined else "missed",
        )
        answered_at = compute_answered_before(over, max(call.started_at, now))
        return await _settle(connection, over, answered_at=answered_at)


async def _lock_call(connection: AnyConnection, room: str) -> Call | None:
    """Return the call of a room; changes of one call wait for each other here."""
    call_id = await connection.fetchval(_LOCK, room)
    # A statement of its own: one that waited for the lock would read the stays as of before.
    return None if call_id is None else await find_call(connection, call_id)


async def _settle(
    connection: AnyConnection, call: Call, *, answered_at: datetime | None
) -> Call | None:
    """Store what became of a locked call, and return it with everybody's stay."""
    status = compute_status(call, answered=answered_at is not None)
    await connection.execute(_SETTLE, call.id, call.ended_at, status, answered_at)
    return await find_call(connection, call.id)


def _is_too_late(call: Call, presence: Presence) -> bool:
    # Someone came with a token of before the end: no part of the call, and the room is removed.
    return call.ended_at is not None and presence.joined_at >= call.ended_at


def _earlier(first: datetime | None, second: datetime | None) -> datetime | None:
    return min((one for one in (first, second) if one is not None), default=None)


def build_call(row: asyncpg.Record) -> Call:
    """Return the call of a row with CALL_COLUMNS."""
    return Call(
        id=row["id"],
        chat_id=row["chat_id"],
        kind=row["kind"],
        status=row["status"],
        room=row["livekit_room"],
        initiator_id=row["initiator_id"],
        started_at=row["started_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        stays=tuple(sorted((Stay(*stay) for stay in row["stays"]), key=lambda one: one.joined_at)),
    )
