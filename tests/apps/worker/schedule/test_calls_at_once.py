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
from support.publishing import open_publisher
from support.rooms import build_reply, insert_call, stand_in_rooms
from support.waiting import wait_until

from livekit import api
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import read_clock
from supmessenger_worker.schedule.calls import AT_ONCE, CallKeeper

pytestmark = pytest.mark.services


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
        return build_reply(api.ListRoomsResponse(rooms=rooms).SerializeToString())

    async def list_participants(self, request: web.Request) -> web.Response:
        """Tell that nobody is in a room, at once or when the time has come."""
        asked = api.ListParticipantsRequest.FromString(await request.read())
        self.asked += 1
        self.most_asked = max(self.most_asked, self.asked)
        if asked.room in self.silent:
            await self.answer.wait()
        self.asked -= 1
        return build_reply(api.ListParticipantsResponse().SerializeToString())


@asynccontextmanager
async def open_keeper(
    server: SlowServer, postgres: Pool, bindings: Path, *, seconds: float = 60
) -> AsyncIterator[CallKeeper]:
    methods = {
        "ListRooms": server.list_rooms,
        "ListParticipants": server.list_participants,
    }
    async with open_publisher(bindings) as publisher, stand_in_rooms(methods) as rooms:
        yield CallKeeper(postgres, publisher, rooms, seconds=seconds)


async def insert_calls(postgres: Pool, count: int, *, started_at: datetime) -> list[str]:
    """Insert calls that ring; returns their rooms."""
    return [(await insert_call(postgres, started_at=started_at)).room for _ in range(count)]


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
