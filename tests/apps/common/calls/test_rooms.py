"""What a media server that answers with an error is to callers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.errors import PlatformError


@asynccontextmanager
async def open_refusing(code: str, *, status: int) -> AsyncIterator[Rooms]:
    """Rooms of a media server that answers everything with one error of its protocol."""

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"code": code, "msg": "not now"}, status=status)

    app = web.Application()
    app.router.add_post("/{path:.*}", refuse)
    async with TestServer(app) as server:
        url = f"ws://127.0.0.1:{server.port}"
        rooms = Rooms(LivekitBinding(url, url, "key", "s" * 32))
        try:
            yield rooms
        finally:
            await rooms.close()


# The statuses that the protocol gives these codes: some of them are below 500.
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("deadline_exceeded", 408),
        ("resource_exhausted", 429),
        ("failed_precondition", 412),
        ("unauthenticated", 401),
        ("internal", 500),
        ("unavailable", 503),
    ],
)
async def test_whatever_the_media_server_refuses_callers_are_asked_to_try_again(
    code: str, status: int
) -> None:
    async with open_refusing(code, status=status) as rooms:
        for ask in (lambda: rooms.ensure("a"), lambda: rooms.remove("a"), rooms.fetch_all):
            with pytest.raises(PlatformError) as refused:
                await ask()
            assert (refused.value.status, refused.value.code) == (503, "calls_unreachable")


async def test_a_room_that_is_not_there_is_removed_already_and_holds_nobody() -> None:
    async with open_refusing("not_found", status=404) as rooms:
        await rooms.remove("a")
        assert await rooms.fetch_presences("a") is None
        # What answers so to a new room is no media server at all.
        with pytest.raises(PlatformError, match="does not answer"):
            await rooms.ensure("a")
