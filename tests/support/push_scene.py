"""People with devices that can be woken, and what they write."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from support.push_sink import PushSink
from support.web_push import Browser
from support.worker_service import Jobs, Worker, run_worker

from supmessenger_common.bindings import read_redis
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id
from supmessenger_common.push.presence import build_device_key
from supmessenger_common.push.sealing import TokenSeal
from supmessenger_common.redis_clients import open_redis


class Person(NamedTuple):
    """A user and their device."""

    user: UUID
    device: UUID


class Token(NamedTuple):
    """By what a device is woken, and by whom."""

    provider: str
    text: str


def build_phone(name: str) -> Token:
    """Return the token of an Android phone."""
    return Token("fcm", name)


def subscribe(browser: Browser, endpoint: str) -> Token:
    """Return a browser's subscription as it is stored."""
    told = browser.build_subscription(endpoint)
    return Token("web_push", orjson.dumps({"endpoint": endpoint, **told["keys"]}).decode())


@dataclass
class Scene:
    """People with devices, what they write, and the worker's jobs that come of it."""

    postgres: Pool
    seal: TokenSeal
    bindings: Path
    jobs: Jobs

    async def join(self, name: str) -> Person:
        """Return a new user with a device."""
        person = Person(create_id(), create_id())
        query = """
            INSERT INTO users (id, email, username, display_name, password_hash, status)
            VALUES ($1, $2, $3, $4, 'x', 'active')
        """
        unique = f"{name}_{person.user.hex}"
        await self.postgres.execute(query, person.user, f"{unique}@example.org", unique, name)
        query = "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)"
        await self.postgres.execute(query, person.device, person.user)
        return person

    async def register(self, device: UUID, token: Token) -> None:
        """Store by what a device is woken."""
        query = """
            INSERT INTO push_tokens (device_id, provider, token, token_hash)
            VALUES ($1, $2, $3, $4)
        """
        sealed = self.seal.seal(token.text, device_id=device)
        hashed = self.seal.compute_hash(*token)
        await self.postgres.execute(query, device, token.provider, sealed, hashed)

    async def open_talk(self, *tokens: Token) -> Talk:
        """Return a chat of Ada and somebody for each token."""
        others = [await self.join("bob") for _ in tokens]
        talk = Talk(self, create_id(), await self.join("ada"), tuple(others))
        await self.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", talk.chat)
        query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
        for person in (talk.ada, *talk.others):
            await self.postgres.execute(query, talk.chat, person.user)
        for person, token in zip(talk.others, tokens, strict=True):
            await self.register(person.device, token)
        return talk

    def run(self, sink: PushSink) -> AbstractAsyncContextManager[Worker]:
        """Run a worker whose providers are stood in for."""
        return run_worker(self.bindings, web_push_allowed_hosts=sink.url)

    async def say_connected(self, *devices: UUID, connected: bool = True) -> None:
        """Say which devices are connected, as the socket service does."""
        redis = open_redis(read_redis(self.bindings, "redis-cache"), client_name="test")
        for device in devices:
            if connected:
                await redis.set(build_device_key(device), "process", ex=60)
            else:
                await redis.delete(build_device_key(device))
        await redis.aclose()

    async def count_tokens(self) -> int:
        """Return how many devices can be woken."""
        return int(await self.postgres.fetchval("SELECT count(*) FROM push_tokens"))


@dataclass(frozen=True)
class Talk:
    """A chat in which Ada writes and each of the others has a device that can be woken."""

    scene: Scene
    chat: UUID
    ada: Person
    others: tuple[Person, ...]

    async def write(self, seq: int = 1) -> dict[str, Any]:
        """Store a message of Ada; returns the payload of its job."""
        query = """
            INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id,
                content_type, content)
            VALUES ($1, $2, $3, $4, $5, $1, 'text/plain', 'the secret plan')
        """
        await self.scene.postgres.execute(query, create_id(), self.chat, seq, *self.ada)
        return {"chatId": str(self.chat), "seq": seq, "senderDeviceId": str(self.ada.device)}

    async def announce(self, seq: int = 1) -> None:
        """Store a message, announce it and wait until that is done."""
        jobs = self.scene.jobs
        await jobs.wait_done(await jobs.write("push.message", await self.write(seq)))

    async def mute(self, person: Person, *, until: datetime) -> None:
        """Let somebody mute the chat."""
        query = "INSERT INTO chat_settings (chat_id, user_id, muted_until) VALUES ($1, $2, $3)"
        await self.scene.postgres.execute(query, self.chat, person.user, until)

    async def read(self, person: Person) -> None:
        """Let somebody read the first message."""
        query = "INSERT INTO message_reads (chat_id, user_id, last_read_seq) VALUES ($1, $2, 1)"
        await self.scene.postgres.execute(query, self.chat, person.user)
