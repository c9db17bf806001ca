"""Who is told about whom: presence goes only to those who asked, coalesced, and waits first."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import build_presence_channel
from supmessenger_common.redis_clients import RedisClient
from supmessenger_websocket.events import Presence, build_frame
from supmessenger_websocket.limits import Limits
from supmessenger_websocket.presence import (
    BATCH,
    build_presence,
    build_presence_key,
    build_seen_key,
)
from supmessenger_websocket.subscriptions import Subscriptions

log = get_logger("watching")
_decoder = msgspec.json.Decoder(Presence)


class Watcher(Protocol):
    """A connection that is told about others."""

    @property
    def congested(self) -> bool:
        """Whether it is behind."""

    def send(self, frame: bytes) -> None:
        """Queue one frame."""


class WatchList:
    """The users watched from this process, what is known of them, and what is still to tell."""

    def __init__(
        self, redis: RedisClient, subscriptions: Subscriptions, *, instance: str, limits: Limits
    ) -> None:
        self._redis = redis
        self._subscriptions = subscriptions
        self._instance = instance
        self._limits = limits
        self._watchers: dict[UUID, set[Watcher]] = {}
        self._known: dict[UUID, Presence] = {}
        self._pending: dict[Watcher, set[UUID]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def watch(self, watcher: Watcher, users: Collection[UUID], *, now: datetime) -> None:
        """Tell `watcher` how each of `users` is now and whenever that changes."""
        for user in users:
            self._watchers.setdefault(user, set()).add(watcher)
        await self._subscriptions.add(
            {build_presence_channel(self._instance, user): self._take for user in users}
        )
        try:
            await self._look_up(list(users), now=now)
        except (RedisError, OSError) as error:
            # The next round looks up everybody who is watched.
            log.warning("presence could not be read", error=str(error))
        self._queue([watcher], {user for user in users if watcher in self._watchers.get(user, ())})

    def unwatch(self, watcher: Watcher, users: Iterable[UUID]) -> None:
        """Tell `watcher` no more about `users`."""
        for user in users:
            watchers = self._watchers.get(user, set())
            watchers.discard(watcher)
            if not watchers and self._watchers.pop(user, None) is not None:
                self._known.pop(user, None)
                self._subscriptions.discard([build_presence_channel(self._instance, user)])
            self._pending.get(watcher, set()).discard(user)
        if not self._pending.get(watcher, True):
            del self._pending[watcher]

    async def refresh(self, *, now: datetime) -> None:
        """Look everybody up: hints may have been lost, processes may have died."""
        await self._look_up(list(self._watchers), now=now)

    def tell(self) -> None:
        """Send what waits, the latest state only; who is behind waits for the next round."""
        self._timer = None
        frames: dict[UUID, bytes] = {}
        waiting, self._pending = self._pending, {}
        for watcher, users in waiting.items():
            if watcher.congested:
                self._queue([watcher], users)
                continue
            for user in users & self._known.keys():
                if user not in frames:
                    frames[user] = build_frame(self._known[user])
                watcher.send(frames[user])

    async def _look_up(self, users: list[UUID], *, now: datetime) -> None:
        for start in range(0, len(users), BATCH):
            batch = users[start : start + BATCH]
            async with self._redis.pipeline(transaction=False) as pipe:
                for user in batch:
                    pipe.zcount(build_presence_key(user), now.timestamp(), "+inf")
                    pipe.get(build_seen_key(user))
                results = await pipe.execute()
            for user, count, seen in zip(batch, results[::2], results[1::2], strict=True):
                text = seen.decode() if seen else None
                self._learn(build_presence(user, online=count > 0, seen=text))

    def _take(self, data: bytes) -> None:
        self._learn(_decoder.decode(data))

    def _learn(self, presence: Presence) -> None:
        watchers = self._watchers.get(presence.user)
        before = self._known.get(presence.user)
        if watchers and (before is None or before.status != presence.status):
            self._known[presence.user] = presence
            self._queue(watchers, {presence.user})

    def _queue(self, watchers: Iterable[Watcher], users: set[UUID]) -> None:
        for watcher in watchers:
            self._pending.setdefault(watcher, set()).update(users)
        if self._timer is None and self._pending:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.presence_flush_seconds, self.tell)
