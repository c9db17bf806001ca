"""Tasks that live as long as the process."""

import asyncio

import pytest

from supmessenger_websocket import background
from supmessenger_websocket.background import start_background, stop_background


async def test_a_failing_task_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "AGAIN_SECONDS", 0.0)
    runs: list[int] = []
    third = asyncio.Event()

    async def run() -> None:
        runs.append(1)
        if len(runs) == 3:
            third.set()
            await asyncio.Event().wait()
        raise RuntimeError("as asked")

    task = start_background("test", run)
    async with asyncio.timeout(10):
        await third.wait()
    await stop_background([task])
    assert len(runs) == 3


async def test_a_task_that_swallows_a_cancellation_is_stopped_all_the_same() -> None:
    swallowed = asyncio.Event()

    async def run() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed.is_set():
                    raise
                swallowed.set()

    task = start_background("test", run)
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await stop_background([task])
    assert swallowed.is_set()
    assert task.cancelled()
