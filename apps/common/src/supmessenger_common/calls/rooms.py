"""The rooms of the media server, by its own API."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp
from livekit.protocol.models import ParticipantInfo

from livekit import api
from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.model import RING_TIME, Presence
from supmessenger_common.errors import PlatformError
from supmessenger_common.log import get_logger

_log = get_logger("rooms")
T = TypeVar("T")

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 10.0
RETRY_SECONDS = 5
# A room nobody came to outlives the ringing, so that ringing ends first and tells why.
EMPTY_SECONDS = int(RING_TIME.total_seconds()) + 30
# Long enough to come back after a change of networks.
DEPARTURE_SECONDS = 20
PARTICIPANTS_LIMIT = 100


class _NotHeldError(Exception):
    """The media server answers, but none of its processes holds the room."""


class _NoRoomError(Exception):
    """The media server answers that there is no such room, or nobody of that name in it."""


@dataclass(frozen=True)
class Room:
    """A room that exists on the media server now."""

    name: str
    occupied: bool


class Rooms:
    """Makes, lists and removes rooms; raises 503 `calls_unreachable` when nobody answers."""

    def __init__(self, binding: LivekitBinding) -> None:
        # Opens a session, which needs a running loop.
        timeout = aiohttp.ClientTimeout(
            total=TOTAL_SECONDS, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
        )
        # A connection kept would fail the first request after each new start of the server.
        connector = aiohttp.TCPConnector(force_close=True)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        self._api = api.LiveKitAPI(
            *(binding.url, binding.api_key, binding.api_secret),
            session=self._session,
            failover=False,
        )

    async def ensure(self, name: str) -> None:
        """Make a room, unless it exists."""
        request = api.CreateRoomRequest(
            name=name,
            empty_timeout=EMPTY_SECONDS,
            departure_timeout=DEPARTURE_SECONDS,
            max_participants=PARTICIPANTS_LIMIT,
        )
        await self._ask(lambda: self._api.room.create_room(request))

    async def remove(self, name: str) -> None:
        """Remove a room and everybody in it, if it exists."""
        request = api.DeleteRoomRequest(room=name)
        with suppress(_NoRoomError):
            try:
                await self._call(lambda: self._api.room.delete_room(request))
            except _NotHeldError:
                # Left behind by a server that ended: another must take it before it can go.
                await self.ensure(name)
                await self._ask(lambda: self._api.room.delete_room(request))

    async def fetch_all(self) -> Sequence[Room]:
        """Return the rooms there are."""
        answer = await self._ask(lambda: self._api.room.list_rooms(api.ListRoomsRequest()))
        return [Room(name=room.name, occupied=room.num_participants > 0) for room in answer.rooms]

    async def fetch_presences(self, name: str) -> Sequence[Presence] | None:
        """Return who is in a room; None when no server holds it."""
        request = api.ListParticipantsRequest(room=name)
        try:
            answer = await self._call(lambda: self._api.room.list_participants(request))
        except (_NotHeldError, _NoRoomError):
            return None
        return [build_presence(one) for one in answer.participants]

    async def expel(self, name: str, identity: str) -> None:
        """Take somebody out of a room, if he is in it."""
        request = api.RoomParticipantIdentity(room=name, identity=identity)
        with suppress(_NoRoomError):
            try:
                await self._call(lambda: self._api.room.remove_participant(request))
            except _NotHeldError as error:
                raise build_unreachable() from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _ask(self, request: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._call(request)
        except (_NotHeldError, _NoRoomError) as error:
            raise build_unreachable() from error

    async def _call(self, request: Callable[[], Awaitable[T]]) -> T:
        try:
            return await request()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise build_unreachable() from error
        except api.ServerError as error:
            if error.code == api.ServerErrorCode.UNAVAILABLE:
                raise _NotHeldError from error
            if error.code == api.ServerErrorCode.NOT_FOUND:
                raise _NoRoomError from error
            # Too busy to answer in its own time, full, or with other keys until the Secret and
            # both pods agree again: whatever its status is, it passes.
            _log.warning("media server refuses", code=error.code, status=error.status)
            raise build_unreachable() from error


def build_presence(participant: ParticipantInfo) -> Presence:
    """Return what the media server tells of a participant."""
    milliseconds = participant.joined_at_ms or participant.joined_at * 1000
    return Presence(
        identity=participant.identity,
        joined_at=datetime.fromtimestamp(milliseconds / 1000, tz=UTC),
    )


def build_unreachable() -> PlatformError:
    """Return the answer while the media server is away."""
    return PlatformError(
        503,
        "calls_unreachable",
        "The media server does not answer; try again shortly. Messages are not affected.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
