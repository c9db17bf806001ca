"""A caller with LiveKit's own SDK, who neither sends nor watches: he is there until he is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from livekit import rtc

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class CallerInRoom:
    """Somebody in a room, and why he is not there any more."""

    room: rtc.Room
    gone: asyncio.Future[int]

    @property
    def is_in(self) -> bool:
        """Whether he is still in the room."""
        return not self.gone.done()

    async def wait_gone(self) -> int:
        """Return the reason for which he was sent away."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.shield(self.gone)


@asynccontextmanager
async def enter_room(admission: Mapping[str, Any]) -> AsyncIterator[CallerInRoom]:
    """Enter with what `POST …/join` answered; leaves at the end, if he is still there."""
    room = rtc.Room()
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @room.on("disconnected")
    def note(reason: int) -> None:
        if not gone.done():
            gone.set_result(reason)

    options = rtc.RoomOptions(connect_timeout=PATIENCE_SECONDS)
    await room.connect(admission["url"], admission["token"], options=options)
    try:
        yield CallerInRoom(room, gone)
    finally:
        if not gone.done():
            await room.disconnect()
