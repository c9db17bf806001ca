"""Ask every instance's checker in turn, and ask for a pass where the answer has changed."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from supmessenger_operator.model.checks import CheckReport
from supmessenger_operator.model.outcome import Key
from supmessenger_operator.probes.checker import Checkers

JITTER = 0.2
TICK_SECONDS = 1.0


async def run_rounds(
    checkers: Checkers,
    instances: Iterable[Key],
    enqueue: Callable[[Key], None],
    *,
    every: float,
) -> None:
    """Probe each instance every so many seconds, spread by jitter, until cancelled."""
    due: dict[Key, float] = {}
    while True:
        now, keys = time.monotonic(), set(instances)
        # A new instance waits a random part of the first round: a restart makes no burst.
        due = {key: due.get(key, now + random.random() * every) for key in keys}
        ripe = [key for key in keys if due[key] <= now]
        for key in ripe:
            spread = 1 + JITTER * (2 * random.random() - 1)
            due[key] = now + every * spread
        await asyncio.gather(*(_probe_one(checkers, key, enqueue) for key in ripe))
        await asyncio.sleep(TICK_SECONDS)


async def _probe_one(checkers: Checkers, key: Key, enqueue: Callable[[Key], None]) -> None:
    before = checkers.recall(key)
    after = await checkers.probe(key)
    # A checker that hangs goes on giving its last answer.
    is_stale = after is not None and after.is_stale(datetime.now(UTC))
    if is_stale or _verdict(before) != _verdict(after):
        enqueue(key)


def _verdict(report: CheckReport | None) -> object:
    return None if report is None else report.verdict()
