"""Calls kept true: nobody came, their room is gone, or somebody in them may not be there."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from supmessenger_common.bindings import LivekitBinding, RedisBinding
from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call, Presence, is_ringing_too_long
from supmessenger_common.calls.rooms import Room, Rooms
from supmessenger_common.calls.store import (
    end_call,
    fetch_calls_of_session,
    fetch_closed_rooms,
    fetch_open_calls,
    record_presence,
)
from supmessenger_common.calls.welcome import expel, fetch_unwelcome
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import open_redis, open_subscriber
from supmessenger_worker.schedule.revocations import follow_revocations

if TYPE_CHECKING:
    from supmessenger_common.database import Pool

BATCH: Final = 200
TICK_SECONDS: Final = 10.0
# An answer of the media server that does not come takes one of these places, for as long as
# `Rooms` waits; the others go on.
AT_ONCE: Final = 8
# All calls, and all rooms left behind. What was not reached by then is reached by another look:
# each goes in an order of its own.
SWEEP_SECONDS: Final = 30.0
# Long enough for a media server that starts anew or is too busy to answer, and for its clients to
# come back by themselves.
GONE_TIME: Final = timedelta(seconds=60)
# Who is told to be in a room is on its list by then.
SETTLING_TIME: Final = timedelta(seconds=30)
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
        name = f"{instance}-worker"
        redis = open_redis(redis_cache, client_name=name)
        stack.push_async_callback(redis.aclose)
        subscriber = open_subscriber(redis_cache, client_name=name)
        stack.push_async_callback(subscriber.aclose)
        rooms = None
        if livekit is not None:
            rooms = Rooms(livekit)
            stack.push_async_callback(rooms.close)
        keeper = CallKeeper(pool, Publisher(redis, instance), rooms)
        async with asyncio.TaskGroup() as group:
            group.create_task(_sweep_for_ever(keeper))
            if rooms is not None:
                group.create_task(follow_revocations(subscriber, instance, keeper.take_out))


async def _sweep_for_ever(keeper: "CallKeeper") -> None:
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
    seconds: float = SWEEP_SECONDS

    async def sweep(self, *, now: datetime) -> None:
        """Look at every open call and every room once."""
        # A room is made before its call is stored: calls first, so that no new one looks roomless.
        calls = await self._fetch_open()
        for known in self.gone.keys() - {call.id for call in calls}:
            del self.gone[known]
        rooms = await self._gather_rooms()
        await self._carry_out([partial(self._judge, call, rooms, now=now) for call in calls])
        if rooms:
            # Rooms whose call is over; others are none of our business.
            over = await fetch_closed_rooms(self.pool, list(rooms))
            await self._carry_out([partial(self._remove_leftover, name) for name in over])

    async def take_out(self, session_id: UUID) -> None:
        """Look at once at the calls that the device of a session which ended is in."""
        for call in await fetch_calls_of_session(self.pool, session_id):
            await self._read_room(call, now=read_clock())

    async def _carry_out(self, work: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Do it a few at a time; what one stumbles over stops none of the others.

        What has not begun in time is left to the next look. What has begun is not cut off: a change
        that was stored must be told.
        """
        places = asyncio.Semaphore(AT_ONCE)
        clock = asyncio.get_running_loop().time
        end = clock() + self.seconds

        async def carry_out(one: Callable[[], Awaitable[None]]) -> bool:
            async with places:
                if clock() >= end:
                    return False
                await one()
                return True

        in_turn = random.sample(work, len(work))
        results = await asyncio.gather(*map(carry_out, in_turn), return_exceptions=True)
        errors = [one for one in results if isinstance(one, BaseException)]
        if errors:
            _log.warning("calls not judged", count=len(errors), why=repr(errors[0])[:300])
        if late := results.count(False):
            _log.warning("not every call looked at in time", count=late, seconds=self.seconds)

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
            call, is_gone = await self._look_into(call, rooms.get(call.room), now=now)
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

    async def _look_into(
        self, call: Call, room: Room | None, *, now: datetime
    ) -> tuple[Call, bool]:
        """Return the call with who is in its room, and whether the room is gone."""
        if room is None:
            return call, True
        if call.status == "ringing" and not room.occupied:
            return call, False
        return await self._read_room(call, now=now)

    async def _read_room(self, call: Call, *, now: datetime) -> tuple[Call, bool]:
        """Make a call true to who is in its room, and the room to who may be there.

        The webhook may have been lost, a list of rooms may name those of a server that ended, and
        whoever lost his right to be there is still in the room until he was taken out of it.
        """
        assert self.rooms is not None, "rooms were found"
        try:
            presences = await self.rooms.fetch_presences(call.room)
        except PlatformError as error:
            _log.warning("room not read", room=call.room, why=str(error))
            return call, False
        if presences is None:
            return call, True
        devices = {one.device_id for one in presences if one.device_id is not None}
        unwelcome = await fetch_unwelcome(self.pool, call.room, devices)
        present = [one for one in presences if one.device_id not in unwelcome]
        call = await self._end_absent(call, devices, now=now)
        call = await self._record_present(call, present)
        return await self._take_out(call, set(presences).difference(present), now=now), False

    async def _end_absent(self, call: Call, devices: set[UUID], *, now: datetime) -> Call:
        """End the stays of those who are not in the room: they left, and nobody told."""
        latest = call
        for stay in call.stays:
            if stay.left_at is not None or stay.device_id is None or stay.device_id in devices:
                continue
            if now - stay.joined_at >= SETTLING_TIME:
                # Who came back meanwhile is there since later, and so is not touched.
                gone = Presence(identity=str(stay.device_id), joined_at=stay.joined_at)
                changed = await record_presence(self.pool, call.room, gone, left_at=now)
                latest = await self._tell(changed) or latest
        return latest

    async def _record_present(self, call: Call, presences: Sequence[Presence]) -> Call:
        known = {(stay.device_id, stay.joined_at) for stay in call.stays if stay.left_at is None}
        for presence in presences:
            if (presence.device_id, presence.joined_at) not in known:
                changed = await record_presence(self.pool, call.room, presence, left_at=None)
                call = await self._tell(changed) or call
        return call

    async def _take_out(self, call: Call, presences: set[Presence], *, now: datetime) -> Call:
        assert self.rooms is not None, "somebody is in a room"
        try:
            for presence in presences:
                changed = await expel(self.pool, self.rooms, call.room, presence, now=now)
                call = await self._tell(changed) or call
        except PlatformError as error:
            # One that is not answered is enough for now: the others are tried again with it.
            _log.warning("not taken out of a call", room=call.room, why=str(error))
        return call

    async def _end(self, call: Call, *, now: datetime, unanswered: bool = False) -> None:
        ended = await end_call(self.pool, call.room, now=now, unanswered=unanswered)
        if await self._tell(ended) is not None:
            _log.info("call ended", call=str(call.id), unanswered=unanswered)

    async def _remove_leftover(self, name: str) -> None:
        assert self.rooms is not None, "rooms were found"
        try:
            await self.rooms.remove(name)
        except PlatformError as error:
            _log.warning("room not removed", room=name, why=str(error))

    async def _tell(self, changed: Call | None) -> Call | None:
        if changed is not None:
            await self.publisher.publish_chat(changed.chat_id, build_call_event(changed))
        return changed
