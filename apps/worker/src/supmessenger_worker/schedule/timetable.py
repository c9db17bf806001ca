"""What is done when, and the lock that lets one worker do it at a time."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_worker.schedule.accounts import delete_unconfirmed_accounts
from supmessenger_worker.schedule.leftovers import (
    delete_expired_verifications,
    delete_old_jobs_done,
    delete_retired_tokens,
    delete_useless_push_tokens,
)
from supmessenger_worker.schedule.media import delete_orphaned_media
from supmessenger_worker.schedule.sessions import delete_expired_sessions
from supmessenger_worker.schedule.stories import delete_expired_stories

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection, Pool

# First half of the two-part advisory lock keys; the second half is the task's place below.
LOCK_SPACE: Final = 0x53550001
BATCH: Final = 500
TICK_SECONDS: Final = 5.0
_log = get_logger("schedule")


class Sweep(Protocol):
    """Deletes up to `batch` rows in the transaction of `connection`; returns how many."""

    def __call__(self, connection: "AnyConnection", *, now: datetime, batch: int) -> Awaitable[int]:
        """Delete once."""


@dataclass(frozen=True)
class Task:
    """A sweep, its name in logs, and how often it is due."""

    name: str
    every: timedelta
    sweep: Sweep


TASKS: Final = (
    Task("expired stories", timedelta(minutes=1), delete_expired_stories),
    Task("expired sessions", timedelta(minutes=5), delete_expired_sessions),
    Task("expired email verifications", timedelta(minutes=15), delete_expired_verifications),
    Task("old jobs", timedelta(hours=1), delete_old_jobs_done),
    Task("orphaned media", timedelta(minutes=15), delete_orphaned_media),
    Task("unconfirmed accounts", timedelta(minutes=15), delete_unconfirmed_accounts),
    Task("retired refresh tokens", timedelta(hours=1), delete_retired_tokens),
    Task("push tokens of unlinked devices", timedelta(minutes=15), delete_useless_push_tokens),
)


class Timetable:
    """Runs tasks when they are due, first of all at once."""

    def __init__(self, pool: "Pool", tasks: Sequence[Task] = TASKS) -> None:
        """Run `tasks` against this pool's database."""
        self._pool = pool
        self._tasks = tuple(tasks)
        self._due: dict[str, datetime] = {}

    async def run(self, read_now: Callable[[], datetime] = read_clock) -> None:
        """Run what is due, again and again, until cancelled."""
        while True:
            await self.run_due(now=read_now())
            await asyncio.sleep(TICK_SECONDS * random.uniform(0.8, 1.2))

    async def run_due(self, *, now: datetime) -> None:
        """Run every task that is due at `now`; one that fails is due again after its usual time."""
        for number, task in enumerate(self._tasks):
            if now < self._due.get(task.name, now):
                continue
            try:
                count = await self._run_task(number, task, now=now)
            # One broken sweep or an absent database must not keep the others from their turn.
            except Exception as error:
                _log.warning("task failed", task=task.name, why=repr(error)[:300])
                count = 0
            if count:
                _log.info("task done", task=task.name, count=count)
            self._due[task.name] = now + task.every

    async def _run_task(self, number: int, task: Task, *, now: datetime) -> int:
        total = 0
        while True:
            async with self._pool.acquire() as connection, connection.transaction():
                # Held until the transaction ends, however it ends.
                query = "SELECT pg_try_advisory_xact_lock($1, $2)"
                if not await connection.fetchval(query, LOCK_SPACE, number):
                    return total
                count = await task.sweep(connection, now=now, batch=BATCH)
            total += count
            if count < BATCH:
                return total
