"""Rooms of a media server, which may be stood in for, and the calls they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.model import Call
from supmessenger_common.calls.rooms import Rooms
from supmessenger_common.calls.store import find_call
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock

ANY_METHOD = "{method}"
Method = Callable[[web.Request], Awaitable[web.Response]]


def build_reply(body: bytes = b"") -> web.Response:
    """Return a serialized answer as a media server gives it; empty is an answer to any method."""
    return web.Response(body=body, content_type="application/protobuf")


def build_refusal(code: str, *, status: int) -> web.Response:
    """Return an error of the protocol."""
    return web.json_response({"code": code, "msg": "not now"}, status=status)


@asynccontextmanager
async def open_rooms(url: str, *, key: str = "key", secret: str = "s" * 32) -> AsyncIterator[Rooms]:
    """Rooms of the media server with this address."""
    rooms = Rooms(LivekitBinding(url, url, key, secret))
    try:
        yield rooms
    finally:
        await rooms.close()


@asynccontextmanager
async def stand_in_rooms(methods: Mapping[str, Method]) -> AsyncIterator[Rooms]:
    """Rooms of a media server that has these methods of `RoomService`."""
    app = web.Application()
    for name, method in methods.items():
        app.router.add_post(f"/twirp/livekit.RoomService/{name}", method)
    async with (
        TestServer(app) as server,
        open_rooms(f"ws://127.0.0.1:{server.port}") as rooms,
    ):
        yield rooms


async def insert_device(postgres: Pool) -> tuple[UUID, UUID]:
    """Insert somebody with a device; returns user and device."""
    user_id, device_id = create_id(), create_id()
    await postgres.execute(
        "INSERT INTO users (id, email, username, display_name, password_hash)"
        " VALUES ($1, $2, $3, 'x', 'x')",
        *(user_id, f"{user_id}@example.org", f"u{user_id}"),
    )
    await postgres.execute(
        "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)",
        *(device_id, user_id),
    )
    return user_id, device_id


async def insert_call(postgres: Pool, *, started_at: datetime | None = None) -> Call:
    """Insert a call that rings, in a chat that has no members."""
    initiator_id, _ = await insert_device(postgres)
    chat_id, call_id = create_id(), create_id()
    await postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
    await postgres.execute(
        "INSERT INTO calls (id, chat_id, initiator_id, kind, livekit_room, started_at)"
        " VALUES ($1, $2, $3, 'audio', $4, $5)",
        *(call_id, chat_id, initiator_id, str(call_id), started_at or read_clock()),
    )
    return await read_call(postgres, call_id)


async def read_call(postgres: Pool, call_id: UUID) -> Call:
    """Return a call as it is now."""
    call = await find_call(postgres, call_id)
    assert call is not None
    return call
