"""Calls that ended without a word: nobody came, or their room is gone; and rooms left behind."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from supmessenger_common.bindings import LivekitBinding, RedisBinding
from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call, is_ringing_too_long
from supmessenger_common.calls.rooms import Room, Rooms
from supmessenger_common.calls.store import (
    end_call,
    fetch_closed_rooms,
    fetch_open_calls,
    record_presence,
)
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import open_redis

if TYPE_CHECKING:
    from supmessenger_common.database import Pool

BATCH: Final = 200
TICK_SECONDS: Final = 10.0
# Long enough for a media server that starts anew or is too busy to answer, and for its clients to
# come back by themselves.
GONE_TIME: Final = timedelta(seconds=60)
_log = get_logger("calls")


async def keep_calls(
    pool: "Pool",
    *,
    redis_cache: RedisBinding,
    livekit: LivekitBinding | None,
    instance: str,
) -> None:
    """Keep calls true, again and again, until cancelled."""
    async with AsyncExitStack() as stack:
        redis = open_redis(redis_cache, client_name=f"{instance}-worker")
        stack.push_async_callback(redis.aclose)
        rooms = None
        if livekit is not None:
            rooms = Rooms(livekit)
            stack.push_async_callback(rooms.close)
        keeper = CallKeeper(pool, Publisher(redis, instance), rooms)
        while True:
            try:
                await keeper.sweep(now=read_clock())
            # An absent database ends nothing here: the next round looks at everything again.
            except Exception as error:
                _log.warning("calls not looked at", why=repr(error)[:300])
            await asyncio.sleep(TICK_SECONDS * random.uniform(0.8, 1.2))


@dataclass(frozen=True)
class CallKeeper:
    """Keeps calls true to the rooms there are; `rooms` is None where there is no media server.

    Several workers may do so at once: each change happens once and is told once.
    """

    pool: "Pool"
    publisher: Publisher
    rooms: Rooms | None
    # Since when the rooms of open calls are gone.
    gone: dict[UUID, datetime] = field(default_factory=dict)

    async def sweep(self, *, now: datetime) -> None:
        """Look at every open call and every room once."""
        # A room is made before its call is stored: calls first, so that no new one looks roomless.
        calls = await self._fetch_open()
        for known in self.gone.keys() - {call.id for call in calls}:
            del self.gone[known]
        rooms = await self._gather_rooms()
        for call in calls:
            await self._judge(call, rooms, now=now)
        if rooms:
            await self._remove_leftovers(list(rooms))

    async def _fetch_open(self) -> Sequence[Call]:
        calls: list[Call] = []
        after: UUID | None = None
        while batch := await fetch_open_calls(self.pool, after=after, limit=BATCH):
            calls.extend(batch)
            after = batch[-1].id
        return calls

    async def _gather_rooms(self) -> Mapping[str, Room] | None:
        """Return the rooms by name; None while the media server does not tell."""
        if self.rooms is None:
            return {}
        try:
            return {room.name: room for room in await self.rooms.fetch_all()}
        except PlatformError as error:
            _log.warning("rooms not known", why=str(error))
            return None

    async def _judge(self, call: Call, rooms: Mapping[str, Room] | None, *, now: datetime) -> None:
        if rooms is not None:
            call, is_gone = await self._look_into(call, rooms.get(call.room))
            if not is_gone:
                self.gone.pop(call.id, None)
            elif now - self.gone.setdefault(call.id, now) >= self.patience:
                await self._end(call, now=now)
                return
        if is_ringing_too_long(call, now=now):
            await self._end(call, now=now, unanswered=True)

    @property
    def patience(self) -> timedelta:
        """How long a room may be gone before its call is over."""
        return GONE_TIME if self.rooms is not None else timedelta(0)

    async def _look_into(self, call: Call, room: Room | None) -> tuple[Call, bool]:
        """Return the call with who is in its room, and whether the room is gone.

        The webhook may have been lost, and a list may name rooms of a server that ended.
        """
        if room is None or self.rooms is None:
            return call, True
        if call.status == "ringing" and not room.occupied:
            return call, False
        try:
            presences = await self.rooms.fetch_presences(call.room)
        except PlatformError as error:
            _log.warning("room not read", room=call.room, why=str(error))
            return call, False
        for presence in presences or ():
            changed = await record_presence(self.pool, call.room, presence, left_at=None)
            if changed is not None:
                await self._announce(changed)
                call = changed
        return call, presences is None

    async def _end(self, call: Call, *, now: datetime, unanswered: bool = False) -> None:
        ended = await end_call(self.pool, call.room, now=now, unanswered=unanswered)
        if ended is not None:
            _log.info("call ended", call=str(call.id), status=ended.status)
            await self._announce(ended)

    async def _remove_leftovers(self, names: Sequence[str]) -> None:
        """Remove rooms whose call is over; others are none of our business."""
        assert self.rooms is not None, "rooms were found"
        for name in await fetch_closed_rooms(self.pool, names):
            try:
                await self.rooms.remove(name)
            except PlatformError as error:
                _log.warning("room not removed", room=name, why=str(error))

    async def _announce(self, call: Call) -> None:
        await self.publisher.publish_chat(call.chat_id, build_call_event(call))
