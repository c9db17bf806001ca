"""The tables `event_outbox` and `event_relay`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from supmessenger_common.database import Connection
from supmessenger_worker.events.event import Event

# Any number that no other part of the platform locks.
_LOCK: Final = 0x5355_5045
_FETCH = "SELECT id, chat_id, seq, body FROM event_outbox ORDER BY id LIMIT $1"
_DELETE = "DELETE FROM event_outbox WHERE id = ANY($1::bigint[])"
_OLDEST = "SELECT created_at FROM event_outbox ORDER BY id LIMIT 1"
_DELETE_FIRST = """
DELETE FROM event_outbox WHERE id <= (SELECT id FROM event_outbox ORDER BY id OFFSET $1 LIMIT 1)
"""
_DELETE_OLD = """
DELETE FROM event_outbox WHERE id < coalesce(
    (SELECT id FROM event_outbox WHERE created_at >= $1 ORDER BY id LIMIT 1), 9223372036854775807)
"""
_NOTE_DROPPED = """
INSERT INTO event_relay (dropped, dropped_at) VALUES ($1, $2)
ON CONFLICT (only_row) DO UPDATE SET dropped = event_relay.dropped + $1, dropped_at = $2
"""
_NOTE_RELAYED = """
INSERT INTO event_relay (relayed_at) VALUES ($1)
ON CONFLICT (only_row) DO UPDATE SET relayed_at = $1, failing_since = NULL, failure = ''
"""
_NOTE_FAILURE = """
INSERT INTO event_relay (failing_since, failure) VALUES ($1, $2)
ON CONFLICT (only_row) DO UPDATE
SET failing_since = coalesce(event_relay.failing_since, $1), failure = $2
"""
_STANDING = """
SELECT r.failing_since, r.failure, r.dropped, r.dropped_at, e.created_at AS oldest
FROM (SELECT) AS one
LEFT JOIN event_relay r ON true
LEFT JOIN (SELECT created_at FROM event_outbox ORDER BY id LIMIT 1) AS e ON true
"""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the relay fares, as any worker sees it."""

    failing_since: datetime | None
    failure: str
    dropped: int
    dropped_at: datetime | None
    oldest: datetime | None


class EventRows:
    """The tables, over the one connection of a relay; each call is a transaction of its own."""

    def __init__(self, connection: Connection) -> None:
        """Work on this connection."""
        self._connection = connection

    async def take_turn(self) -> bool:
        """Become the one relay of the instance; it ends with the connection."""
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))

    async def fetch(self, limit: int) -> list[Event]:
        """Return the first events that wait."""
        rows = await self._connection.fetch(_FETCH, limit)
        return [
            Event(row["id"], row["chat_id"], row["seq"], orjson.loads(row["body"])) for row in rows
        ]

    async def delete(self, rows: list[int]) -> None:
        """Delete events that Kafka has."""
        await self._connection.execute(_DELETE, rows)

    async def count(self) -> int:
        """Return how many events wait."""
        return int(await self._connection.fetchval("SELECT count(*) FROM event_outbox"))

    async def drop_beyond(self, most: int, *, now: datetime) -> int:
        """Give up the oldest events so that `most` are left; returns how many that were."""
        beyond = await self.count() - most
        if beyond <= 0:
            return 0
        return await self._drop(_DELETE_FIRST, beyond - 1, now=now)

    async def drop_older(self, age: timedelta, *, now: datetime) -> int:
        """Give up events older than this; returns how many that were."""
        oldest = await self._connection.fetchval(_OLDEST)
        if oldest is None or now - oldest <= age:
            return 0
        return await self._drop(_DELETE_OLD, now - age, now=now)

    async def _drop(self, query: str, argument: int | datetime, *, now: datetime) -> int:
        async with self._connection.transaction():
            dropped = int((await self._connection.execute(query, argument)).split()[-1])
            await self._connection.execute(_NOTE_DROPPED, dropped, now)
        return dropped

    async def note_relayed(self, *, now: datetime) -> None:
        """Note that Kafka takes events."""
        await self._connection.execute(_NOTE_RELAYED, now)

    async def note_failure(self, failure: str, *, now: datetime) -> None:
        """Note that it does not, and why."""
        await self._connection.execute(_NOTE_FAILURE, now, failure)

    async def read_standing(self) -> Standing:
        """Return how the relay fares."""
        row = await self._connection.fetchrow(_STANDING)
        assert row is not None
        return Standing(
            failing_since=row["failing_since"],
            failure=row["failure"] or "",
            dropped=row["dropped"] or 0,
            dropped_at=row["dropped_at"],
            oldest=row["oldest"],
        )
