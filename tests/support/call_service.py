"""An API that offers calls: real rooms of a real media server, which tells it what happens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from support.api_service import Api, Person, open_api
from support.bindings import write_binding
from support.processes.coturn import TurnServer
from support.processes.livekit import LivekitServer, start_livekit
from support.processes.servers import Run
from support.waiting import wait_until

from supmessenger_common.database import Pool

WEBHOOK_PATH = "/internal/livekit/webhook"


@dataclass(frozen=True)
class CallsApi:
    """The API and its media server."""

    api: Api
    livekit: LivekitServer

    async def open_pair(self) -> tuple[Person, Person, UUID]:
        """Return two people and their chat."""
        alice, bob = await self.api.join("alice"), await self.api.join("bob")
        return alice, bob, await alice.create_chat(bob)


async def start_call(person: Person, chat_id: UUID, kind: str = "video") -> dict[str, Any]:
    """Start a call, or find the one that is on."""
    answer = await person.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": kind})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def read_call(person: Person, call_id: str) -> dict[str, Any]:
    """Return a call as a member sees it."""
    answer = await person.call("GET", f"/v1/calls/{call_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def join_call(person: Person, call_id: str) -> dict[str, Any]:
    """Return what lets a person's device in."""
    answer = await person.call("POST", f"/v1/calls/{call_id}/join")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def wait_for_status(person: Person, call_id: str, status: str) -> dict[str, Any]:
    """Return a call once it has a status."""

    async def has_status() -> bool:
        return bool((await read_call(person, call_id))["status"] == status)

    await wait_until(has_status, what=f"the call to be {status}", seconds=30)
    return await read_call(person, call_id)


@asynccontextmanager
async def open_calls_api(
    run: Run, postgres: Pool, bindings: Path, *, turn: TurnServer | None = None
) -> AsyncIterator[CallsApi]:
    """Run the API on a port of loopback, and a media server that tells its events there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        livekit = await asyncio.to_thread(
            start_livekit, run, webhook_url=f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
        )
        try:
            write_binding(bindings, "livekit", livekit.build_binding())
            if turn is not None:
                write_binding(bindings, "turn", turn.build_binding())
            uris = ",".join(turn.uris) if turn is not None else ""
            async with (
                open_api(postgres, bindings, turn_uris=uris) as api,
                _listening(api, listener),
            ):
                yield CallsApi(api, livekit)
        finally:
            await asyncio.to_thread(livekit.stop)


@asynccontextmanager
async def _listening(api: Api, listener: socket.socket) -> AsyncIterator[None]:
    # The application itself is started and ended by who opened it.
    config = uvicorn.Config(api.app, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
