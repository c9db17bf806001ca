"""Takes jobs from the broker, carries them out, and decides what follows a failure.

A delivery is acknowledged only after its job was remembered as done, put into a queue for later,
or put among the dead letters. A worker that dies in between leaves the delivery to the next one.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from supmessenger_common.broker import Job, parse_job_body
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_common.metrics import JOBS
from supmessenger_worker.jobs.registry import Handler, Lane, Obituary
from supmessenger_worker.jobs_done import JobsDone
from supmessenger_worker.queues import Delivery, JobQueues, parse_delivery
from supmessenger_worker.retries import GiveUp, RetryPolicy, TemporaryJobError, compute_next_step

# Restarts of the broker and rollouts interrupt honest jobs too, but not this often.
MOST_INTERRUPTIONS = 5
# How long a broker that is away may hold up the end of a worker.
GOODBYE_SECONDS = 2.0
_log = get_logger("consumer")


class Consumer:
    """Carries out the jobs of one lane, so many at once as it has places."""

    def __init__(
        self,
        *,
        queues: JobQueues,
        done: JobsDone,
        handlers: Mapping[str, Handler],
        obituaries: Mapping[str, Obituary],
        lane: Lane,
        policy: RetryPolicy,
    ) -> None:
        """Compose a consumer; it takes nothing before `start`."""
        self._queues = queues
        self._done = done
        self._handlers = handlers
        self._obituaries = obituaries
        self._words = lane.words
        self._policy = policy
        self._slots = asyncio.Semaphore(lane.concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._in_flight: set[UUID] = set()

    async def start(self) -> None:
        """Begin to take deliveries."""
        await self._queues.consume(self._receive, words=self._words)

    async def take_no_more(self) -> None:
        """Leave what has not begun to other workers."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._queues.cancel()
        except (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError) as error:
            # Without a broker nothing arrives anyway.
            _log.info("nobody to say goodbye to", why=repr(error)[:200])
        for task in self._waiting:
            task.cancel()

    async def stop(self, *, grace: float) -> None:
        """Take no more, and wait up to `grace` seconds for what is being carried out.

        What does not end in time is delivered to another worker.
        """
        await self.take_no_more()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                _log.warning("jobs cut off", count=len(late), grace=grace)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        task = asyncio.current_task()
        assert task is not None, "the broker's client calls this in a task of its own"
        self._waiting.add(task)
        try:
            await self._slots.acquire()
        finally:
            self._waiting.discard(task)
        self._running.add(task)
        try:
            await self._settle(message)
        except (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError) as error:
            # The connection went away before the acknowledgement: the broker delivers it again.
            _log.warning("delivery not settled", why=repr(error))
        finally:
            self._running.discard(task)
            self._slots.release()

    async def _settle(self, message: AbstractIncomingMessage) -> None:
        delivery = parse_delivery(message)
        if delivery.again:
            await self._settle_interrupted(message, delivery)
            return
        try:
            job = parse_job_body(message.body)
        except ValueError as error:
            JOBS.labels("unknown", "dead").inc()
            _log.error("job not understood", why=repr(error))
            await self._queues.bury(message, delivery, reason=f"not understood: {error}")
        else:
            handler = self._handlers.get(job.kind, _leave_to_newer)
            await self._attempt(message, delivery, job, handler)
        await message.ack()

    async def _settle_interrupted(
        self, message: AbstractIncomingMessage, delivery: Delivery
    ) -> None:
        # Perhaps the job itself ended the worker: what counts it must be stored before it is
        # begun again, or such a job would go round for ever.
        if delivery.interruptions < MOST_INTERRUPTIONS:
            await self._queues.send_back(message, delivery)
        else:
            JOBS.labels("unknown", "dead").inc()
            reason = f"interrupted {delivery.interruptions + 1} times; it may end its worker"
            _log.error("job dead", why=reason, message_id=message.message_id)
            await self._queues.bury(message, delivery, reason=reason)
            await self._tell_death(message)
        await message.ack()

    async def _attempt(
        self,
        message: AbstractIncomingMessage,
        delivery: Delivery,
        job: Job,
        handler: Handler,
    ) -> None:
        try:
            result = await self._carry_out(job, handler)
        # Whatever a job raises is a failure of that job, never of the worker.
        except Exception as error:
            result = await self._follow_up(message, delivery, job, error)
        JOBS.labels(job.kind, result).inc()

    async def _carry_out(self, job: Job, handler: Handler) -> str:
        if job.id in self._in_flight:
            raise TemporaryJobError("another delivery of this job is being carried out")
        if await self._done.contains(job.id):
            return "duplicate"
        self._in_flight.add(job.id)
        try:
            await handler(job, now=read_clock())
            await self._done.add(job, now=read_clock())
        finally:
            self._in_flight.discard(job.id)
        return "done"

    async def _follow_up(
        self, message: AbstractIncomingMessage, delivery: Delivery, job: Job, error: Exception
    ) -> str:
        step = compute_next_step(error, attempt=delivery.attempt, policy=self._policy)
        told = {"job_id": str(job.id), "kind": job.kind, "attempt": delivery.attempt}
        if isinstance(step, GiveUp):
            _log.error("job dead", why=step.reason, **told)
            await self._queues.bury(message, delivery, reason=step.reason)
            await self._tell_death(message)
            return "dead"
        _log.warning("job put off", why=repr(error), seconds=step.delay.total_seconds(), **told)
        await self._queues.put_off(message, delivery, step)
        return "retried"

    async def _tell_death(self, message: AbstractIncomingMessage) -> None:
        try:
            job = parse_job_body(message.body)
            tell = self._obituaries.get(job.kind)
            if tell is not None:
                await tell(job)
        # The dead letter is stored; what people are told of it must not bring the job back.
        except Exception as error:
            _log.warning("death not told", why=repr(error)[:300])


async def _leave_to_newer(job: Job, *, now: datetime) -> None:
    """Put off a job of an unknown kind: during an update a worker that knows it runs beside us."""
    raise TemporaryJobError(f"this worker does not know jobs of kind {job.kind}")
