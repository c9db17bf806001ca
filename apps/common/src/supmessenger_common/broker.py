"""RabbitMQ: connection, topology of the jobs, and publishing with confirms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import aio_pika
import orjson
from aio_pika.abc import (
    AbstractRobustChannel,
    AbstractRobustConnection,
    AbstractRobustExchange,
    AbstractRobustQueue,
)

from supmessenger_common.bindings import RabbitBinding
from supmessenger_common.identifiers import format_time

EXCHANGE = "sup.jobs"
DEAD_QUEUE = "sup.jobs.dead"
_WORDS = ("email", "media", "maintenance", "push", "transcoding")
QUEUES = {word: f"sup.jobs.{word}" for word in _WORDS}
# Kinds that take so long that they have a queue beside that of their family.
_OWN_QUEUES = {"media.transcode": "transcoding"}
CONNECT_SECONDS = 5.0
PUBLISH_SECONDS = 5.0
# A restarted broker is back within seconds; one worker asking each second costs it nothing.
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """One job as it travels: a consumer is idempotent by `id`."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Topology:
    """What was declared on one channel."""

    exchange: AbstractRobustExchange
    queues: dict[str, AbstractRobustQueue]
    dead: AbstractRobustQueue


async def open_broker(binding: RabbitBinding, *, name: str) -> AbstractRobustConnection:
    """Connect and keep connected; `name` is shown in the management pages."""
    return await aio_pika.connect_robust(
        host=binding.host,
        port=binding.port,
        login=binding.username,
        password=binding.password,
        virtualhost=binding.vhost,
        timeout=CONNECT_SECONDS,
        reconnect_interval=RECONNECT_SECONDS,
        client_properties={"connection_name": name},
    )


async def open_channel(
    connection: AbstractRobustConnection, *, prefetch: int | None = None
) -> AbstractRobustChannel:
    """Open a channel with publisher confirms and, for consumers, a prefetch limit."""
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    if prefetch is not None:
        await channel.set_qos(prefetch_count=prefetch)
    assert isinstance(channel, AbstractRobustChannel)
    return channel


async def declare_topology(channel: AbstractRobustChannel) -> Topology:
    """Declare the exchange, one durable queue per family of jobs, and the dead letters."""
    exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.DIRECT, durable=True)
    dead = await channel.declare_queue(DEAD_QUEUE, durable=True)
    queues = {}
    for word, name in QUEUES.items():
        queue = await channel.declare_queue(
            name,
            durable=True,
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD_QUEUE},
        )
        await queue.bind(exchange, routing_key=word)
        queues[word] = queue
    return Topology(exchange=exchange, queues=queues, dead=dead)


async def publish_job(exchange: AbstractRobustExchange, job: Job) -> None:
    """Publish a job and return once the broker has it on disk; raises when no queue takes it."""
    message = aio_pika.Message(
        build_job_body(job),
        message_id=str(job.id),
        type=job.kind,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    await exchange.publish(
        message, compute_routing_key(job.kind), mandatory=True, timeout=PUBLISH_SECONDS
    )


def compute_routing_key(kind: str) -> str:
    """Return the family of a kind: `email.verification` goes to `email`."""
    word = _OWN_QUEUES.get(kind) or kind.partition(".")[0]
    if word not in QUEUES:
        raise ValueError(f"no queue takes jobs of kind {kind!r}")
    return word


def build_job_body(job: Job) -> bytes:
    """Return the JSON body of a job message."""
    return orjson.dumps(
        {
            "id": str(job.id),
            "kind": job.kind,
            "payload": job.payload,
            "createdAt": format_time(job.created_at),
        }
    )


def parse_job_body(body: bytes) -> Job:
    """Read a job message; raises ValueError when it is not one."""
    try:
        value = orjson.loads(body)
        return Job(
            id=UUID(str(value["id"])),
            kind=str(value["kind"]),
            payload=dict(value["payload"]),
            created_at=datetime.fromisoformat(value["createdAt"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a job: {error}") from error


async def probe_broker(connection: AbstractRobustConnection) -> None:
    """Raise unless the connection is up now."""
    if connection.is_closed or not connection.connected.is_set():
        raise ConnectionError("not connected to RabbitMQ")
