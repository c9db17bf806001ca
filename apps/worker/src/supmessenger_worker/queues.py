"""The job queues of the broker: what a consumer takes from them and puts back.

A job that waits for its next attempt lies in a queue whose messages expire after the delay and
fall back into the queue they came from; no process has to remember it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import aio_pika
from aio_pika.abc import (
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractRobustChannel,
    AbstractRobustExchange,
    AbstractRobustQueue,
)

from supmessenger_common.broker import (
    DEAD_QUEUE,
    EXCHANGE,
    PUBLISH_SECONDS,
    QUEUES,
    declare_topology,
)
from supmessenger_worker.retries import Retry

INTERRUPTIONS_HEADER = "x-sup-interruptions"
ATTEMPT_HEADER = "x-sup-attempt"
REASON_HEADER = "x-sup-reason"
QUEUE_HEADER = "x-sup-queue"
_WORDS = {name: word for word, name in QUEUES.items()}
_Headers = dict[str, str | int]
Receive = Callable[[AbstractIncomingMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery says beside its body.

    `word` is the family, `attempt` counts from 1, `interruptions` says how often a worker or the
    connection ended before the job did; `again` that this has just happened once more.
    """

    word: str
    attempt: int
    interruptions: int
    again: bool


def parse_delivery(message: AbstractIncomingMessage) -> Delivery:
    """Read a delivery's envelope; one without our headers is a first attempt."""
    key = message.routing_key or ""
    return Delivery(
        # A dead letter that a person moved back carries the name of its queue.
        word=_WORDS.get(key, key),
        attempt=max(1, _read_count(message, ATTEMPT_HEADER)),
        interruptions=max(0, _read_count(message, INTERRUPTIONS_HEADER)),
        again=bool(message.redelivered),
    )


def _read_count(message: AbstractIncomingMessage, header: str) -> int:
    value = message.headers.get(header)
    return value if isinstance(value, int) else 0


def compute_delay_queue(word: str, delay: timedelta) -> str:
    """Return the name of the queue in which jobs of a family wait for `delay`."""
    return f"{QUEUES[word]}.retry.{delay.total_seconds():g}s"


class JobQueues:
    """The queues as one channel sees them."""

    def __init__(self, channel: AbstractRobustChannel) -> None:
        """Use this channel, which has publisher confirms and a prefetch limit."""
        self._channel = channel
        self._exchange: AbstractRobustExchange | None = None
        self._consumed: list[tuple[AbstractRobustQueue, str]] = []

    async def consume(self, receive: Receive, *, words: frozenset[str]) -> None:
        """Declare everything and begin to take deliveries from the queues of these families."""
        topology = await declare_topology(self._channel)
        self._exchange = topology.exchange
        for word, queue in topology.queues.items():
            if word in words:
                self._consumed.append((queue, await queue.consume(receive)))

    async def cancel(self) -> None:
        """Take no more deliveries."""
        while self._consumed:
            queue, tag = self._consumed.pop()
            await queue.cancel(tag)

    async def send_back(self, message: AbstractIncomingMessage, delivery: Delivery) -> None:
        """Put a copy at the end of its queue that remembers one more interruption."""
        assert self._exchange is not None, "deliveries come only after consume()"
        headers: _Headers = {
            ATTEMPT_HEADER: delivery.attempt,
            INTERRUPTIONS_HEADER: delivery.interruptions + 1,
        }
        await self._publish(message, self._exchange, delivery.word, headers)

    async def put_off(
        self, message: AbstractIncomingMessage, delivery: Delivery, step: Retry
    ) -> None:
        """Store a copy that comes back after the delay; returns once the broker has it."""
        queue = await self._channel.declare_queue(
            compute_delay_queue(delivery.word, step.delay),
            durable=True,
            arguments={
                "x-message-ttl": round(step.delay.total_seconds() * 1000),
                "x-dead-letter-exchange": EXCHANGE,
                "x-dead-letter-routing-key": delivery.word,
            },
        )
        default = self._channel.default_exchange
        await self._publish(message, default, queue.name, {ATTEMPT_HEADER: step.attempt})

    async def bury(
        self, message: AbstractIncomingMessage, delivery: Delivery, *, reason: str
    ) -> None:
        """Store a copy among the dead letters, with the reason and where it came from."""
        headers: _Headers = {
            ATTEMPT_HEADER: delivery.attempt,
            REASON_HEADER: reason[:500],
            QUEUE_HEADER: QUEUES.get(delivery.word, delivery.word),
        }
        await self._publish(message, self._channel.default_exchange, DEAD_QUEUE, headers)

    async def _publish(
        self,
        message: AbstractIncomingMessage,
        exchange: AbstractExchange,
        routing_key: str,
        headers: _Headers,
    ) -> None:
        copy = aio_pika.Message(
            message.body,
            headers=dict(headers),
            message_id=message.message_id,
            type=message.type,
            content_type=message.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await exchange.publish(copy, routing_key, mandatory=True, timeout=PUBLISH_SECONDS)
