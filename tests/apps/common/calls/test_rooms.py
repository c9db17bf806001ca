"""What a media server that answers with an error is to callers."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import web
from support.rooms import ANY_METHOD, build_refusal, stand_in_rooms

from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.errors import PlatformError


def open_refusing(code: str, *, status: int) -> AbstractAsyncContextManager[Rooms]:
    """Rooms of a media server that answers everything with one error of its protocol."""

    async def refuse(request: web.Request) -> web.Response:
        return build_refusal(code, status=status)

    return stand_in_rooms({ANY_METHOD: refuse})


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
