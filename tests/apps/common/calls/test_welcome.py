"""Taking somebody out of a call, on a media server that is stood in for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.model import Call, Presence
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.calls.store import end_call, find_call
from supmessenger_common.calls.welcome import RETURNS, expel
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock

pytestmark = pytest.mark.services
_PROTOBUF = "application/protobuf"
Removal = Callable[[], Awaitable[web.Response]]


@asynccontextmanager
async def open_rooms(remove: Removal) -> AsyncIterator[Rooms]:
    """Rooms of a media server that takes everybody out, and removes rooms with `remove`."""

    async def take_out(request: web.Request) -> web.Response:
        return web.Response(content_type=_PROTOBUF)

    async def delete(request: web.Request) -> web.Response:
        return await remove()

    app = web.Application()
    app.router.add_post("/twirp/livekit.RoomService/RemoveParticipant", take_out)
    app.router.add_post("/twirp/livekit.RoomService/DeleteRoom", delete)
    async with TestServer(app) as server:
        url = f"ws://127.0.0.1:{server.port}"
        rooms = Rooms(LivekitBinding(url, url, "key", "s" * 32))
        try:
            yield rooms
        finally:
            await rooms.close()


async def insert_call(postgres: Pool) -> tuple[UUID, UUID]:
    """Insert a call, and somebody who is no member of its chat; returns call and device."""
    chat_id, call_id, user_id, device_id = (create_id() for _ in range(4))
    await postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
    await postgres.execute(
        "INSERT INTO calls (id, chat_id, kind, livekit_room) VALUES ($1, $2, 'audio', $3)",
        *(call_id, chat_id, str(call_id)),
    )
    await postgres.execute(
        "INSERT INTO users (id, email, username, display_name, password_hash)"
        " VALUES ($1, 'bob@example.org', 'bob', 'Bob', 'x')",
        user_id,
    )
    await postgres.execute(
        "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)",
        *(device_id, user_id),
    )
    return call_id, device_id


async def expel_often(
    postgres: Pool, rooms: Rooms, call_id: UUID, device_id: UUID
) -> list[Call | None]:
    """Take a device out as often as it takes to end the call; returns what is to be told."""
    began: datetime = read_clock()
    told = []
    for number in range(RETURNS + 1):
        joined_at = began + timedelta(seconds=number)
        presence = Presence(identity=str(device_id), joined_at=joined_at)
        now = joined_at + timedelta(milliseconds=500)
        told.append(await expel(postgres, rooms, str(call_id), presence, now=now))
    return told


async def test_what_is_told_last_of_a_call_that_ends_is_that_it_is_over(postgres: Pool) -> None:
    call_id, device_id = await insert_call(postgres)
    told_by_webhook: list[Call | None] = []

    async def remove() -> web.Response:
        # As the api, which hears of the room's end before the answer is here.
        told_by_webhook.append(await end_call(postgres, str(call_id), now=read_clock()))
        return web.Response(content_type=_PROTOBUF)

    async with open_rooms(remove) as rooms:
        *before, last = await expel_often(postgres, rooms, call_id, device_id)
    assert [call is not None and call.is_open for call in before] == [True] * RETURNS
    assert last is not None
    assert not last.is_open
    assert [stay.left_at for stay in last.stays] == [last.ended_at]
    # Once, and by one of the two.
    assert told_by_webhook == [None]


async def test_a_call_is_over_although_its_room_can_not_be_removed_yet(postgres: Pool) -> None:
    call_id, device_id = await insert_call(postgres)

    async def remove() -> web.Response:
        return web.json_response({"code": "internal", "msg": "not now"}, status=500)

    async with open_rooms(remove) as rooms:
        *_, last = await expel_often(postgres, rooms, call_id, device_id)
    assert last == await find_call(postgres, call_id)
    assert last is not None
    assert last.ended_at is not None
