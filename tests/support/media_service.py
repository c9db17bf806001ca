"""A running media service with people who use it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI

from supmessenger_common.auth import AccessTokens, Principal
from supmessenger_common.bindings import read_credentials, read_redis
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.redis_clients import open_redis
from supmessenger_common.server import build_config
from supmessenger_common.sessions import compute_generation, mark_revoked, revoke_session
from supmessenger_media.settings import MediaSettings

DOMAIN = "chat.example.org"
MAX_UPLOAD_SIZE = 20 * 1024 * 1024


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in."""

    user_id: UUID
    session_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers that prove it."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Media:
    """The service, its database, and the folder of its bindings."""

    client: httpx.AsyncClient
    app: FastAPI
    port: int
    postgres: Pool
    bindings: Path

    async def register(self, name: str) -> Person:
        """Create an account with a device and an open session."""
        user_id, device_id, session_id = create_id(), create_id(), create_id()
        now = read_clock()
        await self.postgres.execute(
            """
            INSERT INTO users (id, email, username, display_name, password_hash, status)
            VALUES ($1, $2, $3::text, $3::text, 'x', 'active')
            """,
            user_id,
            f"{name}@example.org",
            name,
        )
        await self.postgres.execute(
            "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)",
            device_id,
            user_id,
        )
        await self.postgres.execute(
            """
            INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, rotated_at,
                created_at, expires_at)
            VALUES ($1, $2, $3, $1, sha256(uuid_send($1)), $4, $4, $5)
            """,
            session_id,
            user_id,
            device_id,
            now,
            now + timedelta(days=30),
        )
        tokens = AccessTokens(read_credentials(self.bindings).jwt_secret, DOMAIN)
        principal = Principal(user_id, session_id, device_id, compute_generation(now))
        return Person(user_id, session_id, tokens.issue(principal, now=now))

    async def end_session(self, person: Person) -> None:
        """End somebody's session as the API does."""
        now = read_clock()
        await revoke_session(self.postgres, person.session_id, reason="test", now=now)
        redis = open_redis(read_redis(self.bindings, "redis-state"), client_name="test")
        await mark_revoked(redis, person.session_id)
        await redis.aclose()

    async def create_chat(self, *members: Person) -> UUID:
        """Create a group of these people."""
        chat_id = create_id()
        await self.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
        for member in members:
            query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
            await self.postgres.execute(query, chat_id, member.user_id)
        return chat_id

    async def upload(
        self, person: Person, content: bytes, *, filename: str = "file", **fields: str
    ) -> httpx.Response:
        """Upload a file with the fields of the form."""
        return await self.client.post(
            "/v1/files", headers=person.headers, data=fields, files={"file": (filename, content)}
        )


@asynccontextmanager
async def run_app(app: FastAPI, settings: MediaSettings) -> AsyncIterator[int]:
    """Serve an application on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(build_config(app, settings, grace=5))
    # The signals of the test run are not this server's.
    serving = asyncio.create_task(server._serve([listener]))
    try:
        async with asyncio.timeout(60):
            while not server.started:
                assert not serving.done(), "the service did not start"
                await asyncio.sleep(0.01)
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
