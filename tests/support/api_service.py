"""A running API with people who use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from fastapi import FastAPI
from support.signal_keys import Identity, build_keys

from supmessenger_api.main import build_app
from supmessenger_api.settings import ApiSettings
from supmessenger_common.database import Pool

DOMAIN = "chat.example.org"
PASSWORD = "seven wet otters"


@dataclass
class Person:
    """Somebody who is logged in on one device."""

    client: httpx.AsyncClient
    username: str
    user_id: UUID
    device_id: UUID
    session_id: UUID
    access_token: str
    refresh_token: str
    identity: Identity = field(default_factory=Identity.create)

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with the person's access token."""
        headers = {"Authorization": f"Bearer {self.access_token}", **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def publish_keys(self, **pools: int) -> httpx.Response:
        """Publish fresh keys signed by the device's identity."""
        return await self.call("PUT", "/v1/keys", json=build_keys(self.identity, **pools))

    async def create_chat(self, peer: Person) -> UUID:
        """Create a direct chat with somebody, or find it."""
        body = {"type": "direct", "memberIds": [str(peer.user_id)]}
        answer = await self.call("POST", "/v1/chats", json=body)
        assert answer.status_code in (200, 201), answer.text
        return UUID(answer.json()["id"])

    async def send(self, chat_id: UUID, content: str = "hello", **fields: Any) -> httpx.Response:
        """Send a message."""
        body = {
            "clientMsgId": str(uuid4()),
            "contentType": "text/plain",
            "content": content,
            **fields,
        }
        return await self.call("POST", f"/v1/chats/{chat_id}/messages", json=body)


@dataclass(frozen=True)
class Api:
    """The service without a network between, its database and its bindings."""

    client: httpx.AsyncClient
    app: FastAPI
    postgres: Pool
    bindings: Path
    settings: ApiSettings

    async def register(self, username: str, /, **fields: Any) -> httpx.Response:
        """Register an account."""
        body = {
            "email": f"{username}@example.org",
            "username": username,
            "displayName": username.title(),
            "password": PASSWORD,
            **fields,
        }
        return await self.client.post("/v1/accounts", json=body)

    async def log_in(self, login: str, *, password: str = PASSWORD, **options: Any) -> Any:
        """Log in on a new device; returns the answer."""
        device = {"name": "phone", "registrationId": 7}
        body = {"login": login, "password": password, "device": device}
        return await self.client.post("/v1/sessions", json=body, **options)

    async def join(self, username: str) -> Person:
        """Register and log in."""
        answer = await self.register(username)
        assert answer.status_code == 201, answer.text
        return await self.enter(username)

    async def enter(self, username: str) -> Person:
        """Log in on another device."""
        answer = await self.log_in(username)
        assert answer.status_code == 201, answer.text
        opened = answer.json()
        return Person(
            client=self.client,
            username=username,
            user_id=UUID(opened["userId"]),
            device_id=UUID(opened["deviceId"]),
            session_id=UUID(opened["sessionId"]),
            access_token=opened["accessToken"],
            refresh_token=opened["refreshToken"],
        )

    async def refresh(self, token: str) -> httpx.Response:
        """Exchange a refresh token."""
        return await self.client.post("/v1/sessions/refresh", json={"refreshToken": token})

    async def read_verification(self, email: str) -> dict[str, Any]:
        """Return the payload of the newest verification email that waits in the outbox."""
        payload = await self.postgres.fetchval(
            "SELECT payload FROM outbox WHERE kind = 'email.verification' "
            "AND payload ->> 'email' = $1 ORDER BY created_at DESC LIMIT 1",
            email,
        )
        assert payload is not None, f"no email waits for {email}"
        return dict(orjson.loads(payload))


@asynccontextmanager
async def open_api(postgres: Pool, bindings: Path, **changes: Any) -> AsyncIterator[Api]:
    """Run the application with changed settings until the block ends."""
    settings = ApiSettings(
        SERVICE_BINDING_ROOT=bindings,
        domain=DOMAIN,
        **{"rate_limits_enabled": False, **changes},
    )
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            yield Api(client, app, postgres, bindings, settings)
