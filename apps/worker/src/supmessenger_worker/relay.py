"""Relays rows of `outbox` to the broker, and deletes each once the broker has it on disk.

At least once: a crash between the broker's confirmation and the deletion relays a row again, and
the consumer does nothing the second time.
"""

import asyncio
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
import orjson
from aio_pika.abc import AbstractRobustExchange
from prometheus_client import Gauge

from supmessenger_common.broker import Job, compute_routing_key, publish_job
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection, Pool

POLL_SECONDS: Final = 5.0
BATCH: Final = 100
# A row of a kind that no queue takes is put aside, so that it blocks nobody and is seen in time.
PUT_ASIDE: Final = timedelta(hours=1)
OUTBOX_PENDING = Gauge("outbox_pending", "Jobs that are due and not with the broker.")
_log = get_logger("relay")

_TAKE = """
SELECT id, kind, payload, created_at FROM outbox WHERE available_at <= $1
ORDER BY available_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""


class Relay:
    """Moves rows to the broker, as fast as it confirms."""

    def __init__(self, pool: "Pool", exchange: AbstractRobustExchange) -> None:
        """Read from this pool, publish to this exchange."""
        self._pool = pool
        self._exchange = exchange

    async def run(self, wake: asyncio.Event) -> None:
        """Relay whenever `wake` is set, at least every five seconds, until cancelled."""
        failures = 0
        while True:
            wake.clear()
            try:
                more = await self.relay_batch(now=read_clock()) == BATCH
                await self._measure(now=read_clock())
                failures = 0
            # Broker or database away, in one of their clients' many ways: rows stay, we wait.
            except Exception as error:
                failures += 1
                _log.warning("relay waits", why=repr(error)[:300], failures=failures)
                await asyncio.sleep(compute_pause(failures, jitter=random.random()))
                continue
            if not more:
                await _wait(wake, POLL_SECONDS)

    async def relay_batch(self, *, now: datetime) -> int:
        """Relay up to one batch of rows; returns how many were taken from the table.

        Raises what the broker raised, after the rows it did confirm were deleted.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_TAKE, now, BATCH)
            outcomes = await asyncio.gather(
                *(self._publish(row) for row in rows), return_exceptions=True
            )
            pairs = list(zip(rows, outcomes, strict=True))
            await _delete(connection, [row for row, o in pairs if o is None])
            refused = [row for row, o in pairs if isinstance(o, ValueError)]
            await _put_aside(connection, refused, until=now + PUT_ASIDE)
        for _, outcome in pairs:
            if isinstance(outcome, BaseException) and not isinstance(outcome, ValueError):
                raise outcome
        return len(rows)

    async def _publish(self, row: asyncpg.Record) -> None:
        # Raises ValueError for a kind that no queue takes.
        compute_routing_key(row["kind"])
        job = Job(row["id"], row["kind"], orjson.loads(row["payload"]), row["created_at"])
        await publish_job(self._exchange, job)

    async def _measure(self, *, now: datetime) -> None:
        # What waits for its time is not late.
        query = "SELECT count(*) FROM outbox WHERE available_at <= $1"
        OUTBOX_PENDING.set(await self._pool.fetchval(query, now))


def compute_pause(failures: int, *, jitter: float) -> float:
    """Return seconds to wait after so many failures in a row: doubling, at most 30."""
    return float(min(30.0, 0.5 * 2 ** min(failures, 10)) * (0.5 + jitter / 2))


async def _delete(connection: "AnyConnection", rows: list[asyncpg.Record]) -> None:
    if rows:
        query = "DELETE FROM outbox WHERE id = ANY($1::uuid[])"
        await connection.execute(query, [row["id"] for row in rows])


async def _put_aside(
    connection: "AnyConnection", rows: list[asyncpg.Record], *, until: datetime
) -> None:
    for row in rows:
        _log.error("job of unknown kind put aside", job_id=str(row["id"]), kind=row["kind"])
        query = "UPDATE outbox SET available_at = $2 WHERE id = $1"
        await connection.execute(query, row["id"], until)


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
