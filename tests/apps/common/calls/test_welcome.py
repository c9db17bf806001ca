"""Taking somebody out of a call, on a media server that is stood in for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from support.rooms import build_refusal, build_reply, insert_call, insert_device, stand_in_rooms

from supmessenger_common.calls.model import Call, Presence
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.calls.store import end_call, find_call
from supmessenger_common.calls.welcome import RETURNS, expel
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import read_clock

pytestmark = pytest.mark.services
Removal = Callable[[], Awaitable[web.Response]]


def open_rooms(remove: Removal) -> AbstractAsyncContextManager[Rooms]:
    """Rooms of a media server that takes everybody out, and removes rooms with `remove`."""

    async def take_out(request: web.Request) -> web.Response:
        return build_reply()

    async def delete(request: web.Request) -> web.Response:
        return await remove()

    return stand_in_rooms({"RemoveParticipant": take_out, "DeleteRoom": delete})


async def expel_often(postgres: Pool, rooms: Rooms, call: Call) -> list[Call | None]:
    """Take a stranger's device out until that ends the call; returns what is to be told."""
    _, device_id = await insert_device(postgres)
    began: datetime = read_clock()
    told = []
    for number in range(RETURNS + 1):
        joined_at = began + timedelta(seconds=number)
        presence = Presence(identity=str(device_id), joined_at=joined_at)
        now = joined_at + timedelta(milliseconds=500)
        told.append(await expel(postgres, rooms, call.room, presence, now=now))
    return told


async def test_what_is_told_last_of_a_call_that_ends_is_that_it_is_over(postgres: Pool) -> None:
    call = await insert_call(postgres)
    told_by_webhook: list[Call | None] = []

    async def remove() -> web.Response:
        # As the api, which hears of the room's end before the answer is here.
        told_by_webhook.append(await end_call(postgres, call.room, now=read_clock()))
        return build_reply()

    async with open_rooms(remove) as rooms:
        *before, last = await expel_often(postgres, rooms, call)
    assert [told is not None and told.is_open for told in before] == [True] * RETURNS
    assert last is not None
    assert not last.is_open
    assert [stay.left_at for stay in last.stays] == [last.ended_at]
    # Once, and by one of the two.
    assert told_by_webhook == [None]


async def test_a_call_is_over_although_its_room_can_not_be_removed_yet(postgres: Pool) -> None:
    call = await insert_call(postgres)

    async def remove() -> web.Response:
        return build_refusal("internal", status=500)

    async with open_rooms(remove) as rooms:
        *_, last = await expel_often(postgres, rooms, call)
    assert last == await find_call(postgres, call.id)
    assert last is not None
    assert last.ended_at is not None
