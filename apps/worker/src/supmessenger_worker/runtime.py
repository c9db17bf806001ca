"""Everything the worker runs beside its HTTP listener: begun together, ended in order."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aio_pika.abc import AbstractRobustConnection
from aio_pika.exceptions import AMQPError

from supmessenger_common.bindings import PostgresBinding, RabbitBinding
from supmessenger_common.broker import declare_topology, open_broker, open_channel, probe_broker
from supmessenger_common.log import get_logger
from supmessenger_worker.checks.board import CheckBoard
from supmessenger_worker.consumer import GOODBYE_SECONDS, Consumer
from supmessenger_worker.events.relay import EventRelay
from supmessenger_worker.jobs.registry import Handler, Lane, Obituary
from supmessenger_worker.jobs_done import JobsDone
from supmessenger_worker.queues import JobQueues
from supmessenger_worker.relay import Relay, compute_pause
from supmessenger_worker.retries import RetryPolicy
from supmessenger_worker.schedule.timetable import Timetable
from supmessenger_worker.wakeups import listen

if TYPE_CHECKING:
    from supmessenger_common.database import Pool

_log = get_logger("runtime")


@dataclass(frozen=True)
class Parts:
    """What a runtime is composed of."""

    pool: "Pool"
    postgres: PostgresBinding
    rabbitmq: RabbitBinding
    handlers: Mapping[str, Handler]
    obituaries: Mapping[str, Obituary]
    lanes: tuple[Lane, ...]
    board: CheckBoard
    check_interval: float
    policy: RetryPolicy
    events: EventRelay | None = None
    calls: Callable[[], Awaitable[None]] | None = None


class Runtime:
    """Relay, consumer, schedule and checker of one process."""

    def __init__(self, parts: Parts) -> None:
        """Compose; nothing runs before `start`."""
        self._parts = parts
        self._tasks: list[asyncio.Task[None]] = []
        self._connection: AbstractRobustConnection | None = None
        self._consumers: tuple[Consumer, ...] = ()
        self._goodbye: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin everything; what needs the broker begins when the broker answers."""
        wake = asyncio.Event()
        parts = self._parts
        begun: dict[str, Callable[[], Awaitable[None]]] = {
            "jobs": lambda: self._run_jobs(wake),
            "wakeups": lambda: listen(parts.postgres, wake),
            "schedule": Timetable(parts.pool).run,
            "checks": lambda: parts.board.keep_fresh(interval=parts.check_interval),
        }
        if parts.events is not None:
            begun["events"] = parts.events.run
        if parts.calls is not None:
            begun["calls"] = parts.calls
        self._tasks = [
            asyncio.create_task(_keep_running(name, run), name=name) for name, run in begun.items()
        ]

    def take_no_more(self) -> None:
        """Take no more jobs from here on; other workers get them."""
        self._goodbye = asyncio.create_task(self._say_goodbye())

    async def stop(self, *, grace: float) -> None:
        """Take no more jobs, finish the current ones within `grace` seconds, close."""
        if self._goodbye is not None:
            await self._goodbye
        await asyncio.gather(*(consumer.stop(grace=grace) for consumer in self._consumers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            await _close(self._connection)

    async def _say_goodbye(self) -> None:
        await asyncio.gather(*(consumer.take_no_more() for consumer in self._consumers))

    async def probe_broker(self) -> None:
        """Raise unless the broker is connected and jobs are being taken."""
        if self._connection is None or not self._consumers:
            raise ConnectionError("not connected to RabbitMQ yet")
        await probe_broker(self._connection)

    async def _run_jobs(self, wake: asyncio.Event) -> None:
        parts = self._parts
        if self._connection is None:
            self._connection = await _connect(parts.rabbitmq)
        relay_channel = await open_channel(self._connection)
        topology = await declare_topology(relay_channel)
        if self._goodbye is None:
            consumers = [await self._start_consumer(lane) for lane in parts.lanes]
            self._consumers = tuple(consumers)
            places = {" ".join(sorted(lane.words)): lane.concurrency for lane in parts.lanes}
            _log.info("taking jobs", places=places)
        await Relay(parts.pool, topology.exchange).run(wake)

    async def _start_consumer(self, lane: Lane) -> Consumer:
        parts = self._parts
        assert self._connection is not None, "consumers begin on a connection"
        # A channel of its own: the limit of unsettled deliveries is a channel's.
        channel = await open_channel(self._connection, prefetch=lane.concurrency)
        consumer = Consumer(
            queues=JobQueues(channel),
            done=JobsDone(parts.pool),
            handlers=parts.handlers,
            obituaries=parts.obituaries,
            lane=lane,
            policy=parts.policy,
        )
        await consumer.start()
        return consumer


async def _connect(binding: RabbitBinding) -> AbstractRobustConnection:
    failures = 0
    while True:
        try:
            return await open_broker(binding, name="sup-worker")
        # Not there yet, not resolvable yet, wrong password until it is rotated: all may pass.
        except Exception as error:
            failures += 1
            _log.warning("waiting for the broker", why=repr(error)[:300])
            await asyncio.sleep(compute_pause(failures, jitter=random.random()))


async def _close(connection: AbstractRobustConnection) -> None:
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await connection.close()
    except (AMQPError, ConnectionError, RuntimeError, TimeoutError) as error:
        # It is gone already, or will be with this process.
        _log.info("connection not closed in order", why=repr(error)[:200])


async def _keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    failures = 0
    while True:
        try:
            await run()
        # A bug in one part must not silently end it while the process looks alive.
        except Exception:
            failures += 1
            _log.exception("part failed", part=name)
            await asyncio.sleep(compute_pause(failures, jitter=random.random()))
