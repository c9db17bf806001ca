"""Who is online: kept in Redis across processes, written in rounds, and told when it changes.

The key of a user is a sorted set of socket processes, scored by when their word ends (seconds
since 1970): a user is online while any process says so, and a process that died is forgotten.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.identifiers import format_time
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import build_presence_channel
from supmessenger_common.redis_clients import RedisClient
from supmessenger_websocket.events import Presence, build_payload
from supmessenger_websocket.limits import Limits

log = get_logger("presence")

# Users written in one round trip.
BATCH = 500
RETRY_SECONDS = 1.0
SEEN_SECONDS = 30 * 24 * 3600

# One step, so that the publications of two processes have the order of their changes.
_CHANGE = """
local now, process, ends, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREM', KEYS[1], process)
local others = redis.call('ZCARD', KEYS[1])
if ends == '' then
  redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[6])
else
  redis.call('ZADD', KEYS[1], ends, process)
  redis.call('EXPIRE', KEYS[1], ttl)
end
if others == 0 then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
return others
"""


class Attendance:
    """The users who are connected to this process."""

    def __init__(self, redis: RedisClient, *, instance: str, process: str, limits: Limits) -> None:
        self._redis = redis
        self._instance = instance
        self._process = process
        self._limits = limits
        self._here: dict[UUID, set[object]] = {}
        self._dirty: set[UUID] = set()
        self._changed = asyncio.Event()

    def arrive(self, connection: object, user: UUID) -> None:
        """Count a connection of `user`; the first one anywhere is told soon."""
        here = self._here.setdefault(user, set())
        here.add(connection)
        if len(here) == 1:
            self._mark(user)

    def leave(self, connection: object, user: UUID) -> None:
        """Forget a connection of `user`; the last one anywhere is told soon."""
        here = self._here.get(user)
        if here is not None and connection in here:
            here.discard(connection)
            if not here:
                del self._here[user]
                self._mark(user)

    async def run(self, read_clock: Callable[[], datetime]) -> None:
        """Tell Redis who came and went, for as long as the process runs.

        However often a socket flaps, its user costs one change a round.
        """
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._limits.presence_flush_seconds)
            if not await self.write_changes(now=read_clock()):
                await asyncio.sleep(RETRY_SECONDS)

    async def write_changes(self, *, now: datetime) -> bool:
        """Write what changed; False when Redis did not take it, and it will be tried again."""
        self._changed.clear()
        users, self._dirty = list(self._dirty), set()
        try:
            for start in range(0, len(users), BATCH):
                await self._write_batch(users[start : start + BATCH], now=now)
        except (RedisError, OSError) as error:
            log.warning("presence could not be written", error=str(error))
            self._dirty.update(users)
            self._changed.set()
            return False
        return True

    async def renew(self, *, now: datetime) -> None:
        """Renew the word of this process for everybody here."""
        users, ttl = list(self._here), self._limits.presence_ttl_seconds
        for start in range(0, len(users), BATCH):
            async with self._redis.pipeline(transaction=False) as pipe:
                for user in users[start : start + BATCH]:
                    pipe.zadd(build_presence_key(user), {self._process: now.timestamp() + ttl})
                    pipe.expire(build_presence_key(user), int(ttl))
                await pipe.execute()

    async def end(self, *, now: datetime) -> None:
        """Take back the word of this process for everybody: it ends."""
        self._dirty.update(self._here)
        self._here.clear()
        await self.write_changes(now=now)

    def _mark(self, user: UUID) -> None:
        self._dirty.add(user)
        self._changed.set()

    async def _write_batch(self, users: list[UUID], *, now: datetime) -> None:
        ttl = self._limits.presence_ttl_seconds
        async with self._redis.pipeline(transaction=False) as pipe:
            for user in users:
                online = user in self._here
                event = build_presence(user, online=online, seen=format_time(now))
                pipe.eval(
                    _CHANGE,
                    2,
                    build_presence_key(user),
                    build_seen_key(user),
                    now.timestamp(),
                    self._process,
                    now.timestamp() + ttl if online else "",
                    int(ttl),
                    format_time(now),
                    SEEN_SECONDS,
                    build_presence_channel(self._instance, user),
                    build_payload(event),
                )
            await pipe.execute()


def build_presence(user: UUID, *, online: bool, seen: str | None) -> Presence:
    """Return the event of a user's state; when last seen matters only when offline."""
    if online:
        return Presence(user=user, status="online")
    return Presence(user=user, status="offline", last_seen=seen)


def build_presence_key(user: UUID) -> str:
    """Return the key of the processes that say a user is online."""
    return f"presence:{user}"


def build_seen_key(user: UUID) -> str:
    """Return the key of when a user went offline (RFC 3339)."""
    return f"last-seen:{user}"
