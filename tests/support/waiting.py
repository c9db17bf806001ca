"""Waits for a real condition, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def wait_until(
    holds: Callable[[], Awaitable[bool]], *, what: str, seconds: float = 30
) -> None:
    """Poll a condition until it holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(0.02)
