"""People with devices that can be woken, and what they write."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
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


class Scene:
    """People with devices, and what they write."""

    def __init__(self, postgres: Pool, seal: TokenSeal) -> None:
        self.postgres, self.seal = postgres, seal

    async def join(self, name: str) -> tuple[UUID, UUID]:
        """Return the ids of a new user and their device."""
        user, device = create_id(), create_id()
        query = """
            INSERT INTO users (id, email, username, display_name, password_hash, status)
            VALUES ($1, $2, $3::text, $3::text, 'x', 'active')
        """
        await self.postgres.execute(query, user, f"{name}@example.org", name)
        query = "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)"
        await self.postgres.execute(query, device, user)
        return user, device

    async def chat(self, *users: UUID) -> UUID:
        chat = create_id()
        await self.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat)
        for user in users:
            query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
            await self.postgres.execute(query, chat, user)
        return chat

    async def write(self, chat: UUID, sender: tuple[UUID, UUID], seq: int) -> dict[str, Any]:
        """Store a message; returns the payload of its job."""
        query = """
            INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id,
                content_type, content)
            VALUES ($1, $2, $3, $4, $5, $1, 'text/plain', 'the secret plan')
        """
        await self.postgres.execute(query, create_id(), chat, seq, *sender)
        return {"chatId": str(chat), "seq": seq, "senderDeviceId": str(sender[1])}

    async def register(self, device: UUID, provider: str, text: str) -> None:
        query = """
            INSERT INTO push_tokens (device_id, provider, token, token_hash)
            VALUES ($1, $2, $3, $4)
        """
        sealed = self.seal.seal(text, device_id=device)
        hashed = self.seal.compute_hash(provider, text)
        await self.postgres.execute(query, device, provider, sealed, hashed)

    async def count_tokens(self) -> int:
        return int(await self.postgres.fetchval("SELECT count(*) FROM push_tokens"))


def subscribe(browser: Browser, endpoint: str) -> str:
    """Return a subscription as it is stored."""
    told = browser.build_subscription(endpoint)
    return orjson.dumps({"endpoint": endpoint, **told["keys"]}).decode()


def run(bindings: Path, sink: PushSink) -> AbstractAsyncContextManager[Worker]:
    """Run a worker whose providers are stood in for."""
    return run_worker(bindings, web_push_allowed_hosts=sink.url)


async def announce(jobs: Jobs, payload: dict[str, Any]) -> None:
    """Announce a message and wait until that is done."""
    await jobs.wait_done(await jobs.write("push.message", payload))


async def say_connected(bindings: Path, *devices: UUID, connected: bool = True) -> None:
    """Say which devices are connected, as the socket service does."""
    redis = open_redis(read_redis(bindings, "redis-cache"), client_name="test")
    for device in devices:
        if connected:
            await redis.set(build_device_key(device), "process", ex=60)
        else:
            await redis.delete(build_device_key(device))
    await redis.aclose()
