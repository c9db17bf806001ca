"""The work queue: each key once, one pass per key at a time, retries with backoff, a resync."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from supmessenger_operator import metrics
from supmessenger_operator.model.outcome import Key, Next, Waiting

WORKERS = 10
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 300.0
RESYNC_SECONDS = 600.0
JITTER = 0.2
# A pass is made of requests with timeouts of their own; this catches what has none.
PASS_TIMEOUT = 300.0

log = structlog.get_logger()


class Timer(Protocol):
    """Runs a callback later; the event loop is one."""

    def time(self) -> float:
        """Return the monotonic time in seconds."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Run the callback after so many seconds."""
        ...


class WorkQueue:
    """Level-triggered: a key says only that something may differ, never what happened."""

    def __init__(
        self,
        process: Callable[[Key], Awaitable[Next]],
        *,
        timer: Timer | None = None,
        workers: int = WORKERS,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._process = process
        self._timer: Timer = timer or asyncio.get_running_loop()
        self._workers = workers
        self._jitter = jitter
        self._ready: deque[Key] = deque()
        self._waiting_since: dict[Key, float] = {}
        self._running: set[Key] = set()
        self._again: set[Key] = set()  # came up while its pass was running
        self._failures: dict[Key, int] = {}
        self._alarms: dict[Key, asyncio.TimerHandle] = {}
        self._wakeup = asyncio.Event()

    def add(self, key: Key) -> None:
        """Ask for a pass as soon as a worker is free."""
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()
        if key in self._running:
            self._again.add(key)
        elif key not in self._waiting_since:
            self._waiting_since[key] = self._timer.time()
            self._ready.append(key)
            self._wakeup.set()
        metrics.QUEUE_DEPTH.set(len(self._ready))

    def forget(self, key: Key) -> None:
        """Drop the timers of a key that is gone."""
        self._failures.pop(key, None)
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()

    def longest_wait(self) -> float:
        """Return for how many seconds the oldest key has waited for a worker."""
        oldest = min(self._waiting_since.values(), default=self._timer.time())
        return self._timer.time() - oldest

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            while not self._ready:
                self._wakeup.clear()
                await self._wakeup.wait()
            key = self._ready.popleft()
            del self._waiting_since[key]
            self._running.add(key)
            try:
                result = await self._run_pass(key)
            finally:
                self._running.discard(key)
            self._schedule(key, result)

    async def _run_pass(self, key: Key) -> Next:
        started = self._timer.time()
        try:
            async with asyncio.timeout(PASS_TIMEOUT):
                result = await self._process(key)
            metrics.PASSES.labels(result="ok").inc()
        except Waiting as waiting:
            log.info("pass postponed", namespace=key[0], name=key[1], reason=waiting.message)
            metrics.PASSES.labels(result="waiting").inc()
            result = Next(backoff=True)
        except Exception:
            # One broken instance must not stop the others; it stays loud in log and metric.
            log.exception("pass failed", namespace=key[0], name=key[1])
            metrics.PASSES.labels(result="error").inc()
            result = Next(backoff=True)
        metrics.PASS_SECONDS.observe(self._timer.time() - started)
        return result

    def _schedule(self, key: Key, result: Next) -> None:
        delay = RESYNC_SECONDS if result.delay is None else result.delay
        if result.backoff:
            self._failures[key] = self._failures.get(key, 0) + 1
            backoff = compute_backoff(self._failures[key])
            delay = backoff if result.delay is None else min(backoff, result.delay)
        else:
            self._failures.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
            return
        if result.is_gone:
            return
        spread = 1 + JITTER * (2 * self._jitter() - 1)
        self._alarms[key] = self._timer.call_later(delay * spread, lambda: self.add(key))


def compute_backoff(failures: int) -> float:
    """Return the seconds to wait after so many passes in a row that want another."""
    return float(min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 16)))
