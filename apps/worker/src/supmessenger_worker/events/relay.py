"""Relays rows of `event_outbox` to Kafka in order, and deletes those that Kafka has.

At least once: a crash between Kafka's word and the deletion relays events again. One relay at a
time: the workers of an instance take turns by a lock that ends with its holder's connection.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from prometheus_client import Counter, Gauge

from supmessenger_common.bindings import KafkaBinding, PostgresBinding
from supmessenger_common.database import open_connection
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_worker.events.kafka import (
    FAILURES,
    NO_BINDING,
    EventProducer,
    KafkaRefusal,
    open_producer,
)
from supmessenger_worker.events.rows import EventRows

BATCH: Final = 500
# Waking by NOTIFY would put one lock of the whole database into every send; this costs nothing.
POLL_SECONDS: Final = 0.5
TURN_SECONDS: Final = 5.0
TEND_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 10.0
EVENTS_PENDING = Gauge("events_pending", "Events that Kafka does not have yet.")
EVENTS_RELAYED = Counter("events_relayed_total", "Events that Kafka has taken.")
EVENTS_DROPPED = Counter(
    "events_dropped_total", "Events given up while Kafka was away.", ["reason"]
)
_log = get_logger("events")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where events go, and how many may wait for how long."""

    topic: str
    most_pending: int
    oldest: timedelta


class EventRelay:
    """Moves events to Kafka, as fast as it confirms."""

    def __init__(self, postgres: PostgresBinding, kafka: KafkaBinding | None, plan: Plan) -> None:
        """Compose; nothing is opened before `run`. Without a binding events wait, within bounds."""
        self._postgres = postgres
        self._kafka = kafka
        self._plan = plan
        self._tended = 0.0
        self._failures = 0
        self._is_noted = False

    async def run(self) -> None:
        """Relay whenever it is this worker's turn, until cancelled."""
        failures = 0
        while True:
            try:
                await self._relay_while_connected()
            # The database is away, in one of its client's many ways: rows stay, we wait.
            except Exception as error:
                failures += 1
                _log.warning("events wait for the database", why=repr(error)[:300])
                await asyncio.sleep(compute_pause(failures, jitter=random.random()))

    async def _relay_while_connected(self) -> None:
        connection = await open_connection(self._postgres, application_name="sup-worker-events")
        try:
            rows = EventRows(connection)
            await _wait_for_turn(rows)
            _log.info("relaying events", topic=self._plan.topic)
            while True:
                await self._relay_while_kafka_answers(rows)
        finally:
            EVENTS_PENDING.set(0)
            # Not `close`, which would wait for a server that is gone; the lock ends all the same.
            connection.terminate()

    async def _relay_while_kafka_answers(self, rows: EventRows) -> None:
        """Relay until Kafka fails; then note that and wait a while."""
        async with AsyncExitStack() as stack:
            try:
                producer = await self._open_producer(stack)
            # Beside its own errors the library raises whatever it stumbles over in an address or a
            # mechanism: that, too, is told, and what waits is kept within its bounds.
            except Exception as error:
                await self._note_failure(rows, error)
            else:
                while await self._relay_round(rows, producer):
                    self._failures = 0
        # Without the producer, which must not be used after a failure.
        pause = compute_pause(self._failures, jitter=random.random())
        await self._tend(rows)
        await asyncio.sleep(pause)

    async def _open_producer(self, stack: AsyncExitStack) -> EventProducer:
        if self._kafka is None:
            raise KafkaRefusal(NO_BINDING)
        return await stack.enter_async_context(open_producer(self._kafka, self._plan.topic))

    async def _relay_round(self, rows: EventRows, producer: EventProducer) -> bool:
        """Relay one batch; tells whether Kafka took it."""
        await self._tend(rows)
        events = await rows.fetch(BATCH)
        if events:
            try:
                taken = await producer.append(events)
            except FAILURES as error:
                await self._note_failure(rows, error)
                return False
            await rows.delete(taken)
            EVENTS_RELAYED.inc(len(taken))
        if not self._is_noted:
            await rows.note_relayed(now=read_clock())
            self._is_noted = True
        if len(events) < BATCH:
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _note_failure(self, rows: EventRows, error: BaseException) -> None:
        self._failures += 1
        self._is_noted = False
        why = " ".join(str(error).split()) or type(error).__name__
        _log.warning("events wait for Kafka", why=why[:300], failures=self._failures)
        await rows.note_failure(why[:300], now=read_clock())

    async def _tend(self, rows: EventRows) -> None:
        """Keep what waits within its bounds, and measure it; from time to time."""
        loop_time = asyncio.get_running_loop().time()
        if self._tended and loop_time - self._tended < TEND_SECONDS:
            return
        self._tended = loop_time
        now = read_clock()
        plan = self._plan
        dropped = {
            "too_old": await rows.drop_older(plan.oldest, now=now),
            "too_many": await rows.drop_beyond(plan.most_pending, now=now),
        }
        for reason, count in dropped.items():
            if count:
                EVENTS_DROPPED.labels(reason).inc(count)
                _log.error(
                    "events given up: Kafka is away for too long",
                    reason=reason,
                    count=count,
                    most_pending=plan.most_pending,
                    oldest_hours=plan.oldest.total_seconds() / 3600,
                )
        EVENTS_PENDING.set(await rows.count())


async def _wait_for_turn(rows: EventRows) -> None:
    while True:
        if await rows.take_turn():
            return
        await asyncio.sleep(TURN_SECONDS)


def compute_pause(failures: int, *, jitter: float) -> float:
    """Return seconds to wait after so many failures in a row: doubling, at most ten."""
    longest = min(LONGEST_PAUSE_SECONDS, 0.25 * 2 ** min(failures, 10))
    return float(longest * (0.5 + jitter / 2))
