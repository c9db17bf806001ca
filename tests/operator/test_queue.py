"""The work queue with a clock of its own: nothing here takes time."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from supmessenger_operator.model.outcome import Key, Next, Waiting
from supmessenger_operator.queue import (
    LONGEST_BACKOFF,
    RESYNC_SECONDS,
    WORKERS,
    WorkQueue,
    compute_backoff,
)

ONE, TWO = ("chat", "one"), ("chat", "two")


class FakeTimer:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._alarms: list[tuple[float, int, asyncio.TimerHandle, Callable[[], None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        handle = asyncio.TimerHandle(self.now + delay, callback, (), loop)
        heapq.heappush(self._alarms, (self.now + delay, next(self._order), handle, callback))
        return handle

    async def advance(self, seconds: float) -> None:
        """Let time pass and everything that is due happen."""
        await settle()
        end = self.now + seconds
        while self._alarms and self._alarms[0][0] <= end:
            self.now, _, handle, callback = heapq.heappop(self._alarms)
            if not handle.cancelled():
                callback()
            await settle()
        self.now = end
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Work:
    """What the queue runs: counts passes, and holds them when told to."""

    def __init__(self) -> None:
        self.passes: list[Key] = []
        self.running: set[Key] = set()
        self.most_at_once = 0
        self.result: Next | Exception = Next()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: Key) -> Next:
        assert key not in self.running, "two passes of one key at a time"
        self.passes.append(key)
        self.running.add(key)
        self.most_at_once = max(self.most_at_once, len(self.running))
        await self.gate.wait()
        self.running.discard(key)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@asynccontextmanager
async def running(work: Work, **options: Any) -> AsyncIterator[tuple[WorkQueue, FakeTimer]]:
    timer = FakeTimer()
    queue = WorkQueue(work, timer=timer, jitter=lambda: 0.5, **options)
    task = asyncio.create_task(queue.run())
    try:
        yield queue, timer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_key_that_waits_is_not_queued_twice() -> None:
    work = Work()
    async with running(work) as (queue, _):
        for _ in range(5):
            queue.add(ONE)
        await settle()
        assert work.passes == [ONE]


async def test_a_key_that_comes_up_during_its_pass_gets_exactly_one_more() -> None:
    work = Work()
    work.gate.clear()
    async with running(work) as (queue, _):
        queue.add(ONE)
        await settle()
        for _ in range(3):
            queue.add(ONE)
        await settle()
        assert work.passes == [ONE]
        work.gate.set()
        await settle()
        assert work.passes == [ONE, ONE]


async def test_at_most_so_many_passes_run_at_once() -> None:
    work = Work()
    work.gate.clear()
    async with running(work) as (queue, _):
        for number in range(WORKERS * 3):
            queue.add(("chat", str(number)))
        await settle()
        assert work.most_at_once == WORKERS
        work.gate.set()
        await settle()
        assert len(work.passes) == WORKERS * 3


async def test_a_pass_that_wants_another_backs_off_and_success_resets() -> None:
    work = Work()
    work.result = Next(backoff=True)
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await settle()
        await timer.advance(0.9)
        assert len(work.passes) == 1
        await timer.advance(0.2)
        assert len(work.passes) == 2
        await timer.advance(1.5)
        assert len(work.passes) == 2
        await timer.advance(0.6)
        assert len(work.passes) == 3
        work.result = Next()
        await timer.advance(4.1)
        assert len(work.passes) == 4
        work.result = Next(backoff=True)
        queue.add(ONE)
        await settle()
        await timer.advance(1.1)
        assert len(work.passes) == 6


async def test_an_event_does_not_wait_for_the_backoff() -> None:
    work = Work()
    work.result = Next(backoff=True)
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(100)
        before = len(work.passes)
        queue.add(ONE)
        await settle()
        assert len(work.passes) == before + 1


async def test_a_broken_instance_does_not_stop_the_others() -> None:
    work = Work()
    work.result = RuntimeError("broken")
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await settle()
        work.result = Next()
        queue.add(TWO)
        await settle()
        assert work.passes == [ONE, TWO]
        await timer.advance(1.1)
        assert work.passes == [ONE, TWO, ONE]


async def test_waiting_is_retried() -> None:
    work = Work()
    work.result = Waiting("the API server is away")
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(1.1)
        assert len(work.passes) == 2


async def test_a_settled_key_is_looked_at_again_at_the_resync() -> None:
    work = Work()
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(RESYNC_SECONDS - 1)
        assert len(work.passes) == 1
        await timer.advance(2)
        assert len(work.passes) == 2


async def test_a_wanted_delay_is_kept() -> None:
    work = Work()
    work.result = Next(delay=60)
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(59)
        assert len(work.passes) == 1
        await timer.advance(2)
        assert len(work.passes) == 2


async def test_a_backoff_grows_no_longer_than_wanted() -> None:
    work = Work()
    work.result = Next(backoff=True, delay=3)
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(0)
        for _ in range(8):
            await timer.advance(4)
        assert len(work.passes) == 12  # at 0, 1, 3, 6, 9 …


async def test_a_key_that_is_gone_is_not_looked_at_again() -> None:
    work = Work()
    work.result = Next(is_gone=True)
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await timer.advance(RESYNC_SECONDS * 3)
        assert len(work.passes) == 1
        queue.add(ONE)
        await settle()
        assert len(work.passes) == 2


async def test_a_forgotten_key_is_not_looked_at_again() -> None:
    work = Work()
    async with running(work) as (queue, timer):
        queue.add(ONE)
        await settle()
        queue.forget(ONE)
        await timer.advance(RESYNC_SECONDS * 3)
        assert len(work.passes) == 1


async def test_the_longest_wait_tells_when_no_worker_gets_on() -> None:
    work = Work()
    work.gate.clear()
    async with running(work, workers=1) as (queue, timer):
        queue.add(ONE)
        queue.add(TWO)
        await timer.advance(30)
        assert queue.longest_wait() == 30
        work.gate.set()
        await settle()
        assert queue.longest_wait() == 0


def test_the_backoff_doubles_up_to_five_minutes() -> None:
    assert [compute_backoff(count) for count in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert compute_backoff(1000) == LONGEST_BACKOFF
