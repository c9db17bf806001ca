"""How a process ends: sockets are closed in slices, so that they don't all return at once."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from supmessenger_common.log import get_logger

log = get_logger("drain")

DRAINING = 1012
SLICE_SECONDS = 0.1
# Few sockets need no spreading: this many in each slice at least.
SLICE_LEAST = 10
# Part of the drain for closing; the rest is for closing handshakes and what is being handled.
CLOSING_SHARE = 0.8
# Most time left for the last peers to answer the close frame.
FAREWELL_SECONDS = 5.0


@dataclass(frozen=True)
class Slice:
    """Close `count` sockets `at` seconds after the drain began."""

    at: float
    count: int


class Socket(Protocol):
    """What is closed."""

    def close_after_work(self, code: int, reason: str) -> None:
        """Close as soon as the frame being handled is answered."""


def compute_slices(sockets: int, *, seconds: float) -> Iterator[Slice]:
    """Yield when to close how many, within `CLOSING_SHARE` of `seconds`."""
    most = max(1, math.floor(seconds * CLOSING_SHARE / SLICE_SECONDS))
    count = min(most, math.ceil(sockets / SLICE_LEAST))
    closed = 0
    for index in range(count):
        # Rounding the running total spreads the remainder evenly.
        until = sockets * (index + 1) // count
        yield Slice(at=index * SLICE_SECONDS, count=until - closed)
        closed = until


async def close_in_slices(sockets: Sequence[Socket], *, seconds: float) -> None:
    """Close all sockets with 1012, slice by slice."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = iter(sockets)
    for part in compute_slices(len(sockets), seconds=seconds):
        await asyncio.sleep(max(0.0, began + part.at - loop.time()))
        for _ in range(part.count):
            next(waiting).close_after_work(DRAINING, "restarting; reconnect with jitter")
    log.info("sockets closed", count=len(sockets), seconds=round(loop.time() - began, 3))
