"""Somebody who writes messages that leave events, and relays of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from supmessenger_common.bindings import KafkaBinding, read_kafka, read_postgres
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.messages.model import NewMessage, StoredMessage
from supmessenger_common.messages.store import store_message
from supmessenger_common.messages.trails import Trails
from supmessenger_worker.events.kafka import read_values
from supmessenger_worker.events.relay import EventRelay, Plan

EVENTS = Trails(events=True)
SECRET = "what nobody but the members may read"


@dataclass(frozen=True)
class Writer:
    """An account with a device, straight in the database."""

    pool: Pool
    user_id: UUID
    device_id: UUID

    async def open_chat(self, kind: str = "group") -> UUID:
        """Make a chat with this member alone, its owner."""
        chat_id = create_id()
        query = "INSERT INTO chats (id, type, title) VALUES ($1, $2, 'Chat')"
        await self.pool.execute(query, chat_id, kind)
        query = "INSERT INTO chat_members (chat_id, user_id, role) VALUES ($1, $2, 'owner')"
        await self.pool.execute(query, chat_id, self.user_id)
        return chat_id

    def build_message(self, chat_id: UUID) -> NewMessage:
        """Return a message to store."""
        return NewMessage(
            id=create_id(),
            chat_id=chat_id,
            sender_id=self.user_id,
            sender_device_id=self.device_id,
            client_msg_id=create_id(),
            content_type="text/plain",
            content=SECRET,
            sent_at=read_clock(),
        )

    async def send(self, chat_id: UUID) -> StoredMessage:
        """Store a message that leaves an event."""
        return await store_message(self.pool, self.build_message(chat_id), trails=EVENTS)

    async def count_waiting(self) -> int:
        """Return how many events wait."""
        return int(await self.pool.fetchval("SELECT count(*) FROM event_outbox"))

    async def are_all_relayed(self) -> bool:
        """Tell whether no event waits."""
        return await self.count_waiting() == 0


async def create_writer(pool: Pool) -> Writer:
    """Create an account with a device."""
    writer = Writer(pool, create_id(), create_id())
    await pool.execute(
        "INSERT INTO users (id, email, username, display_name, password_hash, status)"
        " VALUES ($1, $2, 'ada', 'Ada', 'x', 'active')",
        writer.user_id,
        "ada@example.org",
    )
    await pool.execute(
        "INSERT INTO devices (id, user_id, name, registration_id) VALUES ($1, $2, 'd', 1)",
        writer.device_id,
        writer.user_id,
    )
    return writer


def get_binding(root: Path) -> KafkaBinding:
    """Return the binding `kafka` that a test has written."""
    binding = read_kafka(root)
    assert binding is not None
    return binding


def build_relay(root: Path, topic: str, **plan: Any) -> EventRelay:
    """Return a relay as a worker makes it."""
    wanted = {"most_pending": 100_000, "oldest": timedelta(days=1), **plan}
    return EventRelay(read_postgres(root), get_binding(root), Plan(topic=topic, **wanted))


@asynccontextmanager
async def run_relay(root: Path, topic: str, **plan: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run a relay until the block ends."""
    task = asyncio.create_task(build_relay(root, topic, **plan).run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def read_events(root: Path, topic: str) -> list[dict[str, Any]]:
    """Return all events of a topic; a chat's are in order."""
    values = [value async for value in read_values(get_binding(root), topic)]
    return [dict(orjson.loads(value)) for value in values]


def drop_repeats(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each event's first copy, as a consumer keeps it."""
    return list({event["id"]: event for event in reversed(events)}.values())[::-1]


def list_seqs(events: list[dict[str, Any]], chat_id: UUID) -> list[int]:
    """Return the seqs of a chat in the order of its events."""
    return [event["seq"] for event in events if event["chatId"] == str(chat_id)]
