"""A running socket service with people who connect to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from support.processes.redis import RedisServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from supmessenger_common.auth import AccessTokens, Principal
from supmessenger_common.bindings import read_credentials
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.messages.model import NewMessage, StoredMessage
from supmessenger_common.messages.store import store_message
from supmessenger_common.sessions import compute_generation
from supmessenger_websocket.limits import Limits
from supmessenger_websocket.main import open_server
from supmessenger_websocket.server import SocketServer
from supmessenger_websocket.settings import WebSocketSettings

DOMAIN = "chat.example.org"
# Short enough not to wait for, long enough for a busy machine.
ANSWER_SECONDS = 20.0
LIMITS = Limits(presence_flush_seconds=0.02)


@dataclass(frozen=True)
class Person:
    """Somebody with a device and an open session."""

    user_id: UUID
    device_id: UUID
    session_id: UUID
    rotated_at: datetime


@dataclass
class Client:
    """One socket as an app sees it: answers and events are looked at by type."""

    raw: ClientConnection
    unread: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, **frame: Any) -> None:
        """Send one frame."""
        await self.raw.send(json.dumps(frame, default=str))

    async def receive(self, kind: str, *, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """Return the next frame of this type; frames of other types wait."""
        for index, frame in enumerate(self.unread):
            if frame["type"] == kind:
                return self.unread.pop(index)
        async with asyncio.timeout(seconds):
            while True:
                frame = json.loads(await self.raw.recv())
                if frame["type"] == kind:
                    return dict(frame)
                self.unread.append(frame)

    async def ask(self, kind: str, **frame: Any) -> dict[str, Any]:
        """Send a frame and return the answer of this type."""
        await self.send(**frame)
        return await self.receive(kind)

    async def receive_messages(self, count: int, *, seconds: float = 30) -> list[int]:
        """Return the seqs of the next messages."""
        return [(await self.receive("message", seconds=seconds))["seq"] for _ in range(count)]

    async def wait_closed(self, *, seconds: float = ANSWER_SECONDS) -> int | None:
        """Read until the server closes; return the close code."""
        async with asyncio.timeout(seconds):
            with suppress(ConnectionClosed):
                while True:
                    self.unread.append(json.loads(await self.raw.recv()))
        return self.raw.close_code

    async def sync(self) -> None:
        """Return when everything the server queued before now has been read."""
        await self.ask("pong", type="ping", ref=999)


@dataclass
class Sockets:
    """The service and its database."""

    settings: WebSocketSettings
    pool: Pool
    tokens: AccessTokens
    server: SocketServer
    stack: AsyncExitStack

    @property
    def port(self) -> int:
        """The port of sockets and health."""
        return self.server.port

    async def register(self, name: str) -> Person:
        """Create an account with a device and an open session."""
        user_id = create_id()
        await self.pool.execute(
            """
            INSERT INTO users (id, email, username, display_name, password_hash, status)
            VALUES ($1, $2, $3::text, $3::text, 'x', 'active')
            """,
            user_id,
            f"{name}@example.org",
            name,
        )
        return await self.add_device(user_id)

    async def register_pair(self) -> tuple[Person, Person, UUID]:
        """Create two people and a chat of them."""
        anna, bert = await self.register("anna"), await self.register("bert")
        return anna, bert, await self.create_chat(anna, bert)

    async def add_device(self, user_id: UUID) -> Person:
        """Log in on one device more."""
        person = Person(user_id, create_id(), create_id(), read_clock())
        await self.pool.execute(
            "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)",
            person.device_id,
            person.user_id,
        )
        await self.pool.execute(
            """
            INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, rotated_at,
                created_at, expires_at)
            VALUES ($1, $2, $3, $1, sha256(uuid_send($1)), $4, $4, $5)
            """,
            person.session_id,
            person.user_id,
            person.device_id,
            person.rotated_at,
            person.rotated_at + timedelta(days=30),
        )
        return person

    def issue_token(self, person: Person, *, age: timedelta = timedelta(0)) -> str:
        """Return an access token, as if issued `age` ago."""
        principal = Principal(
            person.user_id,
            person.session_id,
            person.device_id,
            compute_generation(person.rotated_at),
        )
        return self.tokens.issue(principal, now=read_clock() - age)

    async def create_chat(self, *members: Person) -> UUID:
        """Create a group of these people."""
        chat_id = create_id()
        await self.pool.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
        for member in members:
            await self.add_member(chat_id, member)
        return chat_id

    async def add_member(self, chat_id: UUID, person: Person) -> None:
        """Let somebody into a chat."""
        query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
        await self.pool.execute(query, chat_id, person.user_id)

    async def store(self, chat_id: UUID, sender: Person, content: str = "x") -> StoredMessage:
        """Store a message and announce it to nobody."""
        return await store_message(self.pool, build_message(chat_id, sender, content))

    async def store_many(self, chat_id: UUID, sender: Person, count: int) -> None:
        """Store many messages at once and announce them to nobody."""
        await self.pool.execute(
            """
            WITH c AS (
                UPDATE chats SET last_seq = last_seq + $4 WHERE id = $1 RETURNING last_seq
            )
            INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id,
                                  content_type, content)
            SELECT gen_random_uuid(), $1, last_seq - $4 + n, $2, $3, gen_random_uuid(), 'text', 'x'
            FROM c, generate_series(1, $4::bigint) n
            """,
            chat_id,
            sender.user_id,
            sender.device_id,
            count,
        )

    @asynccontextmanager
    async def open(self, *, port: int | None = None) -> AsyncIterator[Client]:
        """Yield a socket that has said nothing yet."""
        url = f"ws://127.0.0.1:{port or self.port}/ws"
        # Unread frames are kept without bound: a full queue would hold up the closing handshake.
        async with connect(
            url, compression=None, ping_interval=None, max_queue=None, proxy=None
        ) as raw:
            yield Client(raw)

    async def log_in(
        self, person: Person, *, resume: bool = True, port: int | None = None
    ) -> Client:
        """Return a socket that is authenticated and follows its chats; closed with the test."""
        client = await self.stack.enter_async_context(self.open(port=port))
        await client.ask("ready", type="auth", ref=1, token=self.issue_token(person))
        if resume:
            await client.ask("resumed", type="resume", ref=2, chats=[])
        return client


async def end_subscriptions(server: RedisServer) -> None:
    """End every subscriber's connection, as a restart of Redis does."""
    redis = Redis.from_url(server.url)
    await redis.client_kill_filter(_type="pubsub")
    await redis.aclose()


def build_message(chat_id: UUID, sender: Person, content: str = "x") -> NewMessage:
    """Return a message to store."""
    return NewMessage(
        id=create_id(),
        chat_id=chat_id,
        sender_id=sender.user_id,
        sender_device_id=sender.device_id,
        client_msg_id=create_id(),
        content_type="text",
        content=content,
        sent_at=read_clock(),
    )


def build_send(chat_id: UUID, content: str = "hello", *, ref: int = 3) -> dict[str, Any]:
    """Return a `send` frame."""
    return {
        "type": "send",
        "ref": ref,
        "chat": chat_id,
        "clientMsgId": create_id(),
        "contentType": "text",
        "content": content,
    }


def build_settings(root: Path, **values: Any) -> WebSocketSettings:
    """Return the service's settings on free loopback ports."""
    return WebSocketSettings(
        **{
            "SERVICE_BINDING_ROOT": root,
            "domain": DOMAIN,
            "host": "127.0.0.1",
            "port": 0,
            "metrics_port": 0,
            "drain_seconds": 5,
            **values,
        }
    )


@asynccontextmanager
async def run_sockets(
    root: Path, postgres_url: str, *, limits: Limits = LIMITS, **changes: Any
) -> AsyncIterator[Sockets]:
    """Yield a running service; sockets opened through it are closed before it ends."""
    settings = build_settings(root, **changes)
    async with (
        asyncpg.create_pool(postgres_url, min_size=1, max_size=3) as pool,
        open_server(settings, limits=limits) as server,
        AsyncExitStack() as stack,
    ):
        tokens = AccessTokens(read_credentials(root).jwt_secret, DOMAIN)
        yield Sockets(settings, pool, tokens, server, stack)
