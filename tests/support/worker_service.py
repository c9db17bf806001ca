"""A running worker and what it works on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import httpx
import orjson
from aio_pika.abc import AbstractIncomingMessage
from support.waiting import wait_until

from supmessenger_common.bindings import read_rabbitmq
from supmessenger_common.broker import DEAD_QUEUE, QUEUES
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id
from supmessenger_worker.main import build_app
from supmessenger_worker.retries import RetryPolicy
from supmessenger_worker.settings import WorkerSettings

DOMAIN = "chat.example.org"
QUICK = RetryPolicy(
    delays=(timedelta(milliseconds=50), timedelta(milliseconds=100)),
)


@dataclass(frozen=True)
class Worker:
    """A worker's HTTP door."""

    client: httpx.AsyncClient

    async def is_ready(self) -> bool:
        """Tell whether it takes jobs."""
        return (await self.client.get("/readyz")).status_code == 200


@asynccontextmanager
async def run_worker(
    bindings: Path, *, ready: bool = True, policy: RetryPolicy = QUICK, **settings: Any
) -> AsyncIterator[Worker]:
    """Run a worker inside the test until the block ends; it ends as on SIGTERM."""
    chosen = WorkerSettings(
        SERVICE_BINDING_ROOT=bindings, domain=DOMAIN, postgres_pool_size=3, **settings
    )
    app = build_app(chosen, policy=policy)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://worker") as client,
    ):
        worker = Worker(client)
        if ready:
            await wait_until(worker.is_ready, what="the worker to be ready", seconds=60)
        yield worker


@dataclass(frozen=True)
class Jobs:
    """The outbox and the queues of a test's instance."""

    postgres: Pool
    channel: aio_pika.abc.AbstractChannel

    async def write(
        self, kind: str, payload: dict[str, Any], *, job_id: UUID | None = None
    ) -> UUID:
        """Write a row of the outbox."""
        job_id = job_id or create_id()
        query = "INSERT INTO outbox (id, kind, payload) VALUES ($1, $2, $3::jsonb)"
        await self.postgres.execute(query, job_id, kind, orjson.dumps(payload).decode())
        return job_id

    async def publish(self, word: str, body: bytes, **headers: str | int) -> None:
        """Put a message into a queue, past the outbox."""
        message = aio_pika.Message(body, headers=dict(headers))
        await self.channel.default_exchange.publish(message, QUEUES[word])

    async def wait_done(self, job_id: UUID, *, seconds: float = 60) -> None:
        """Wait until a job was carried out, and its row has left: the relay may be the later."""

        async def is_done() -> bool:
            query = """
                SELECT EXISTS (SELECT FROM jobs_done WHERE id = $1)
                    AND NOT EXISTS (SELECT FROM outbox WHERE id = $1)
            """
            return bool(await self.postgres.fetchval(query, job_id))

        await wait_until(is_done, what=f"job {job_id}", seconds=seconds)

    async def wait_dead(self) -> AbstractIncomingMessage:
        """Wait for a dead letter and take it."""
        found: list[AbstractIncomingMessage] = []

        async def is_there() -> bool:
            queue = await self.channel.get_queue(DEAD_QUEUE)
            message = await queue.get(fail=False, no_ack=True)
            found.extend([message] if message else [])
            return bool(found)

        await wait_until(is_there, what="a dead letter", seconds=60)
        return found[0]

    async def count(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def is_relayed(self) -> bool:
        """Tell whether the outbox is empty."""
        return bool(await self.postgres.fetchval("SELECT count(*) = 0 FROM outbox"))


@asynccontextmanager
async def open_jobs(bindings: Path, postgres: Pool) -> AsyncIterator[Jobs]:
    """Connect to the broker beside the worker."""
    binding = read_rabbitmq(bindings)
    connection = await aio_pika.connect(
        host=binding.host,
        port=binding.port,
        login=binding.username,
        password=binding.password,
        virtualhost=binding.vhost,
    )
    async with connection:
        yield Jobs(postgres, await connection.channel())


def build_verification(email: str = "ada@example.org") -> dict[str, Any]:
    """Return the payload of a verification mail."""
    return {
        "email": email,
        "username": "ada",
        "link": f"https://{DOMAIN}/verify?token=abc",
        "token": "abc",
    }
