"""Storing a message: the one statement of the platform against a transaction of several."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID

from support.socket_service import Person, build_message

from supbench.figures import Figure, build_ratio
from supbench.people import create_group, register
from supbench.scenario import ROUNDS, Meter, Scenario
from supbench.stage import Stage
from supmessenger_common.database import PooledConnection
from supmessenger_common.messages.model import NewMessage
from supmessenger_common.messages.store import store_message

CONNECTIONS = 16
MESSAGES = 150  # of each connection in a round
CONTENT = "c" * 300

_LOCK = """
SELECT c.last_seq FROM chats c JOIN chat_members m ON m.chat_id = c.id AND m.user_id = $2
WHERE c.id = $1 FOR UPDATE OF c
"""
_INSERT = """
INSERT INTO messages (id, chat_id, seq, sender_id, sender_device_id, client_msg_id, content_type,
                      content, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_COUNT = "UPDATE chats SET last_seq = $2 WHERE id = $1"

Store = Callable[[PooledConnection, NewMessage], Awaitable[object]]


async def store_naively(connection: PooledConnection, message: NewMessage) -> None:
    """Store a message as one would first write it: lock the chat, insert, move the counter."""
    async with connection.transaction():
        last_seq = await connection.fetchval(_LOCK, message.chat_id, message.sender_id)
        await connection.execute(
            _INSERT,
            message.id,
            message.chat_id,
            last_seq + 1,
            message.sender_id,
            message.sender_device_id,
            message.client_msg_id,
            message.content_type,
            message.content,
            message.sent_at,
        )
        await connection.execute(_COUNT, message.chat_id, last_seq + 1)


VARIANTS: dict[str, Store] = {"one statement": store_message, "transaction": store_naively}


@dataclass
class _Samples:
    python: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)
    one_chat: list[float] = field(default_factory=list)


async def measure(stage: Stage) -> list[Figure]:
    """Store with 16 connections, in a chat each and in one chat for all."""
    ground = stage.prepare()
    samples = {name: _Samples() for name in VARIANTS}
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(ground.open_pool(CONNECTIONS))
        senders = await register(pool, CONNECTIONS)
        chats = [await create_group(pool, [sender]) for sender in senders]
        shared = await create_group(pool, senders)
        connections = [await stack.enter_async_context(pool.acquire()) for _ in range(CONNECTIONS)]
        for _ in range(ROUNDS):
            for name, store in VARIANTS.items():
                meter = await _store_all(connections, senders, chats, store=store)
                count = CONNECTIONS * MESSAGES
                samples[name].python.append(count / meter.own_cpu)
                samples[name].postgres.append(count / meter.cpu)
            for name, store in VARIANTS.items():
                busy = [shared] * CONNECTIONS
                meter = await _store_all(connections, senders, busy, store=store)
                samples[name].one_chat.append(CONNECTIONS * MESSAGES / meter.seconds)
    return _build_figures(samples)


async def _store_all(
    connections: Sequence[PooledConnection],
    senders: Sequence[Person],
    chats: Sequence[UUID],
    *,
    store: Store,
) -> Meter:
    batches = [
        [build_message(chat, sender, CONTENT) for _ in range(MESSAGES)]
        for chat, sender in zip(chats, senders, strict=True)
    ]
    backends = [connection.get_server_pid() for connection in connections]

    async def work(connection: PooledConnection, batch: list[NewMessage]) -> None:
        for message in batch:
            await store(connection, message)

    with Meter(backends) as meter:
        async with asyncio.TaskGroup() as group:
            for connection, batch in zip(connections, batches, strict=True):
                group.create_task(work(connection, batch))
    return meter


def _build_figures(samples: dict[str, _Samples]) -> list[Figure]:
    figures: list[Figure] = []
    for part, who in (("python", "Python"), ("postgres", "PostgreSQL")):
        ours, naive = (
            Figure(name=f"{name}, {who}", unit="messages/CPU-s", samples=tuple(getattr(one, part)))
            for name, one in samples.items()
        )
        figures += [ours, naive, build_ratio(f"gain, {who}", ours, naive)]
    ours, naive = (
        Figure(name=name, unit="messages/s", samples=tuple(one.one_chat))
        for name, one in samples.items()
    )
    # By the clock only the ratio says something: the machine is shared.
    return [*figures, build_ratio("gain by the clock, one chat for all", ours, naive)]


SCENARIO = Scenario(
    name="send-path",
    method=f"{CONNECTIONS} connections store {MESSAGES} messages of {len(CONTENT)} bytes each, by"
    " `store_message` (one statement: membership, idempotency, order) and by a transaction of"
    " `SELECT … FOR UPDATE`, `INSERT`, `UPDATE`, which leaves idempotency to a constraint; first in"
    " a chat for each connection, then all in the same chat. Processor time is that of the"
    " measuring process (Python) and of the database's backends (PostgreSQL).",
    measure=measure,
)
