"""Tasks that run as long as the process: a bug in one is loud and does not end it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from supmessenger_common.log import get_logger

log = get_logger("background")

AGAIN_SECONDS = 1.0
CANCEL_SECONDS = 0.2


async def keep_running(run: Callable[[], Awaitable[None]]) -> None:
    """Run what never ends; when it fails, say so and begin again."""
    while True:
        try:
            await run()
        except Exception:
            # Without healing or hints gaps would stay until the pod is restarted by hand.
            log.exception("background task failed", task=_read_name())
        await asyncio.sleep(AGAIN_SECONDS)


def start_background(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Start a task that runs until it is cancelled."""
    return asyncio.create_task(keep_running(run), name=name)


async def stop_background(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end.

    Python 3.11's `asyncio.wait_for`, which redis-py sends with, swallows a cancellation that
    comes in the moment its own work is done: once is not always enough.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_SECONDS)


def _read_name() -> str:
    task = asyncio.current_task()
    return "" if task is None else task.get_name()
