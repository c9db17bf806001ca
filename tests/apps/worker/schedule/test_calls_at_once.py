"""A media server that does not answer for one room holds up no other call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.waiting import wait_until

from livekit import api
from supmessenger_common.bindings import LivekitBinding, read_redis
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import open_redis
from supmessenger_worker.schedule.calls import AT_ONCE, CallKeeper

pytestmark = pytest.mark.services
_PROTOBUF = "application/protobuf"


@dataclass
class SlowServer:
    """Speaks LiveKit's protocol, and keeps back who is in some rooms until it is told to answer."""

    rooms: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    asked: int = 0
    most_asked: int = 0
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def list_rooms(self, request: web.Request) -> web.Response:
        """Name all rooms; in each there is somebody."""
        rooms = [api.Room(name=name, num_participants=1) for name in self.rooms]
        body = api.ListRoomsResponse(rooms=rooms).SerializeToString()
        return web.Response(body=body, content_type=_PROTOBUF)

    async def list_participants(self, request: web.Request) -> web.Response:
        """Tell that nobody is in a room, at once or when the time has come."""
        asked = api.ListParticipantsRequest.FromString(await request.read())
        self.asked += 1
        self.most_asked = max(self.most_asked, self.asked)
        if asked.room in self.silent:
            await self.answer.wait()
        self.asked -= 1
        body = api.ListParticipantsResponse().SerializeToString()
        return web.Response(body=body, content_type=_PROTOBUF)


@asynccontextmanager
async def open_keeper(
    server: SlowServer, postgres: Pool, bindings: Path, *, seconds: float = 60
) -> AsyncIterator[CallKeeper]:
    app = web.Application()
    app.router.add_post("/twirp/livekit.RoomService/ListRooms", server.list_rooms)
    app.router.add_post("/twirp/livekit.RoomService/ListParticipants", server.list_participants)
    redis = open_redis(read_redis(bindings, "redis-cache"), client_name="test")
    async with TestServer(app) as listening:
        url = f"ws://127.0.0.1:{listening.port}"
        rooms = Rooms(LivekitBinding(url, url, "key", "s" * 32))
        try:
            yield CallKeeper(postgres, Publisher(redis, "sup"), rooms, seconds=seconds)
        finally:
            await rooms.close()
            await redis.aclose()


async def insert_calls(postgres: Pool, count: int, *, started_at: datetime) -> list[str]:
    """Insert calls that ring; returns their rooms."""
    chat_id = create_id()
    await postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
    calls = [create_id() for _ in range(count)]
    for call_id in calls:
        await postgres.execute(
            "INSERT INTO calls (id, chat_id, kind, livekit_room, started_at)"
            " VALUES ($1, $2, 'audio', $3, $4)",
            *(call_id, chat_id, str(call_id), started_at),
        )
    return [str(call_id) for call_id in calls]


async def count_open(postgres: Pool, rooms: list[str]) -> int:
    query = "SELECT count(*) FROM calls WHERE id = ANY($1) AND ended_at IS NULL"
    return int(await postgres.fetchval(query, [UUID(room) for room in rooms]))


async def test_others_are_judged_while_one_room_is_not_answered_for(
    postgres: Pool, redis_bindings: Path
) -> None:
    now = read_clock()
    rooms = await insert_calls(postgres, 3 * AT_ONCE, started_at=now - timedelta(hours=1))
    others = rooms[AT_ONCE - 1 :]
    server = SlowServer(rooms, silent=set(rooms[: AT_ONCE - 1]))
    async with open_keeper(server, postgres, redis_bindings) as keeper:
        sweep = asyncio.create_task(keeper.sweep(now=now))

        async def others_are_judged() -> bool:
            return await count_open(postgres, others) == 0

        await wait_until(others_are_judged, what="the others to be missed", seconds=8)
        assert await count_open(postgres, rooms) == AT_ONCE - 1
        assert not sweep.done()
        server.answer.set()
        await sweep
    assert await count_open(postgres, rooms) == 0


async def test_no_more_rooms_are_asked_for_at_once_than_there_are_places(
    postgres: Pool, redis_bindings: Path
) -> None:
    now = read_clock()
    rooms = await insert_calls(postgres, 2 * AT_ONCE, started_at=now - timedelta(hours=1))
    server = SlowServer(rooms, silent=set(rooms))

    async def every_place_is_taken() -> bool:
        return server.asked >= AT_ONCE

    async with open_keeper(server, postgres, redis_bindings) as keeper:
        sweep = asyncio.create_task(keeper.sweep(now=now))
        await wait_until(every_place_is_taken, what="all places to be taken", seconds=8)
        server.answer.set()
        await sweep
    assert server.most_asked == AT_ONCE
    assert await count_open(postgres, rooms) == 0


async def test_what_does_not_begin_in_time_is_left_to_the_next_look(
    postgres: Pool, redis_bindings: Path
) -> None:
    now = read_clock()
    rooms = await insert_calls(postgres, 2, started_at=now - timedelta(hours=1))
    server = SlowServer(rooms)
    async with open_keeper(server, postgres, redis_bindings, seconds=0) as keeper:
        await keeper.sweep(now=now)
    assert (await count_open(postgres, rooms), server.most_asked) == (2, 0)
    async with open_keeper(server, postgres, redis_bindings) as keeper:
        await keeper.sweep(now=now)
    assert await count_open(postgres, rooms) == 0
