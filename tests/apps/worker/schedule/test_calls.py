"""Calls that end by themselves, and rooms that are left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis
from support.bindings import write_binding
from support.processes.livekit import LivekitServer, start_livekit
from support.processes.redis import RedisServer
from support.processes.servers import Run, probe_free_port
from support.publishing import open_publisher
from support.rooms import insert_call, insert_device, open_rooms, read_call
from support.waiting import wait_until
from support.worker_service import run_worker

from supmessenger_common.calls.model import RING_TIME, Call, Presence
from supmessenger_common.calls.rooms import Room, Rooms
from supmessenger_common.calls.store import end_call, record_presence
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import read_clock
from supmessenger_common.messages.publish import Publisher
from supmessenger_worker.schedule.calls import GONE_TIME, CallKeeper

pytestmark = pytest.mark.services


@pytest.fixture
async def rooms(livekit: LivekitServer) -> AsyncIterator[Rooms]:
    """Rooms of a media server."""
    async with open_rooms_of(livekit) as rooms:
        yield rooms


def open_rooms_of(server: LivekitServer) -> AbstractAsyncContextManager[Rooms]:
    return open_rooms(server.url, key=server.api_key, secret=server.api_secret)


@pytest.fixture
async def publisher(redis_bindings: Path) -> AsyncIterator[Publisher]:
    async with open_publisher(redis_bindings) as publisher:
        yield publisher


async def answer(postgres: Pool, call: Call) -> None:
    """Let somebody else come."""
    _, device_id = await insert_device(postgres)
    presence = Presence(identity=str(device_id), joined_at=call.started_at)
    assert await record_presence(postgres, call.room, presence, left_at=None) is not None


async def insert_answered(postgres: Pool, *, started_at: datetime) -> Call:
    call = await insert_call(postgres, started_at=started_at)
    await answer(postgres, call)
    return call


async def test_who_rings_too_long_has_missed_it(
    postgres: Pool, publisher: Publisher, rooms: Rooms, redis_cache: RedisServer
) -> None:
    now = read_clock()
    old = await insert_call(postgres, started_at=now - RING_TIME)
    new = await insert_call(postgres, started_at=now - RING_TIME + timedelta(seconds=1))
    for call in (old, new):
        await rooms.ensure(call.room)
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"sup:sup:chat:{old.chat_id}")
        await channel.get_message(timeout=5)
        keeper = CallKeeper(postgres, publisher, rooms)
        await asyncio.gather(keeper.sweep(now=now), keeper.sweep(now=now))
        event = orjson.loads((await channel.get_message(timeout=5))["data"])
        assert await channel.get_message(timeout=0.2) is None
    await listener.aclose()
    assert (event["type"], event["call"]["id"]) == ("call", str(old.id))
    assert event["call"]["status"] == "missed"
    assert (await read_call(postgres, old.id)).ended_at == now
    assert (await read_call(postgres, new.id)).status == "ringing"
    await keeper.sweep(now=now)
    assert {room.name for room in await rooms.fetch_all()} == {new.room}


async def test_a_call_whose_room_is_gone_is_over(
    postgres: Pool, publisher: Publisher, rooms: Rooms
) -> None:
    now = read_clock()
    began = now - timedelta(seconds=10)
    kept, gone = [await insert_answered(postgres, started_at=began) for _ in range(2)]
    await rooms.ensure(kept.room)
    keeper = CallKeeper(postgres, publisher, rooms)
    for seconds in (0, 59):
        await keeper.sweep(now=now + timedelta(seconds=seconds))
        assert (await read_call(postgres, gone.id)).status == "active"
    end = now + GONE_TIME
    await keeper.sweep(now=end)
    assert (await read_call(postgres, kept.id)).status == "active"
    over = await read_call(postgres, gone.id)
    assert over.status == "ended"
    assert [stay.left_at for stay in over.stays] == [end]


async def test_a_room_that_is_back_in_time_was_not_gone(
    postgres: Pool, publisher: Publisher, rooms: Rooms
) -> None:
    now = read_clock()
    call = await insert_answered(postgres, started_at=now - timedelta(seconds=10))
    keeper = CallKeeper(postgres, publisher, rooms)
    await keeper.sweep(now=now)
    await rooms.ensure(call.room)
    await keeper.sweep(now=now + timedelta(seconds=40))
    await rooms.remove(call.room)
    await keeper.sweep(now=now + timedelta(seconds=80))
    assert (await read_call(postgres, call.id)).status == "active"


async def test_a_room_of_a_server_that_crashed_is_gone_and_removed(
    postgres: Pool, publisher: Publisher, server_run: Run, redis_state: RedisServer
) -> None:
    nowhere = f"http://127.0.0.1:{probe_free_port()}/"
    first = start_livekit(server_run, webhook_url=nowhere, redis=redis_state)
    now = read_clock()
    call = await insert_answered(postgres, started_at=now - timedelta(seconds=10))
    async with open_rooms_of(first) as rooms:
        await rooms.ensure(call.room)
        keeper = CallKeeper(postgres, publisher, rooms)
        await keeper.sweep(now=now)
        assert keeper.gone == {}
        first.kill()
        second = start_livekit(server_run, webhook_url=nowhere, redis=redis_state, before=first)
        assert {room.name for room in await rooms.fetch_all()} == {call.room}
        for later in (timedelta(0), GONE_TIME):
            await keeper.sweep(now=now + later)
        assert (await read_call(postgres, call.id)).status == "ended"
        assert await rooms.fetch_all() == []
    second.stop()


async def test_while_the_media_server_is_away_only_ringing_ends(
    postgres: Pool, publisher: Publisher
) -> None:
    nowhere = f"ws://127.0.0.1:{probe_free_port()}"
    now = read_clock()
    talking = await insert_answered(postgres, started_at=now - timedelta(hours=1))
    ringing = await insert_call(postgres, started_at=now - RING_TIME)
    async with open_rooms(nowhere) as away:
        await CallKeeper(postgres, publisher, away).sweep(now=now)
    assert (await read_call(postgres, talking.id)).status == "active"
    assert (await read_call(postgres, ringing.id)).status == "missed"


async def test_a_call_that_is_answered_at_the_last_moment_goes_on(
    postgres: Pool, publisher: Publisher
) -> None:
    now = read_clock()
    ringing = await insert_call(postgres, started_at=now - RING_TIME)

    class AnsweredMeanwhile(CallKeeper):
        """Somebody comes after the calls were read and before they are judged."""

        async def _gather_rooms(self) -> None:
            await answer(postgres, ringing)

    await AnsweredMeanwhile(postgres, publisher, None).sweep(now=now)
    assert (await read_call(postgres, ringing.id)).status == "active"
    # Another device that declines then comes too late as well.
    assert await end_call(postgres, ringing.room, now=now, declined=True) is None
    assert (await read_call(postgres, ringing.id)).is_open


async def test_calls_end_when_the_instance_offers_none_any_more(
    postgres: Pool, publisher: Publisher
) -> None:
    now = read_clock()
    talking = await insert_answered(postgres, started_at=now - timedelta(seconds=10))
    await CallKeeper(postgres, publisher, None).sweep(now=now)
    assert (await read_call(postgres, talking.id)).status == "ended"


async def test_a_room_that_closes_while_it_is_looked_at_holds_up_no_other_call(
    postgres: Pool, publisher: Publisher, rooms: Rooms
) -> None:
    now = read_clock()
    closing = await insert_answered(postgres, started_at=now - timedelta(seconds=10))
    ringing = await insert_call(postgres, started_at=now - RING_TIME)

    class ClosedMeanwhile(CallKeeper):
        """A room is on the list, and gone when it is asked who is in it."""

        async def _gather_rooms(self) -> dict[str, Room]:
            return {closing.room: Room(closing.room, occupied=True)}

    await ClosedMeanwhile(postgres, publisher, rooms).sweep(now=now)
    assert (await read_call(postgres, closing.id)).status == "active"
    assert (await read_call(postgres, ringing.id)).status == "missed"


async def test_rooms_of_others_stay(postgres: Pool, publisher: Publisher, rooms: Rooms) -> None:
    now = read_clock()
    over = await insert_call(postgres, started_at=now)
    await end_call(postgres, over.room, now=now)
    for name in (over.room, "somebody-elses"):
        await rooms.ensure(name)
    await CallKeeper(postgres, publisher, rooms).sweep(now=now)
    assert {room.name for room in await rooms.fetch_all()} == {"somebody-elses"}


async def test_the_worker_looks_by_itself(
    binding_root: Path, postgres: Pool, livekit: LivekitServer
) -> None:
    write_binding(binding_root, "livekit", livekit.build_binding())
    # It rings too long already.
    call = await insert_call(postgres, started_at=read_clock() - RING_TIME)

    async def is_over() -> bool:
        return not (await read_call(postgres, call.id)).is_open

    async with run_worker(binding_root):
        await wait_until(is_over, what="the call to end", seconds=60)


async def test_a_worker_with_a_broken_binding_works_all_the_same(binding_root: Path) -> None:
    write_binding(binding_root, "livekit", {"url": "ws://livekit:7880"})
    async with run_worker(binding_root) as worker:
        assert await worker.is_ready()
