"""How the process starts."""

import asyncio

import pytest
from support.fake_cluster import FakeCluster

from supmessenger_operator.__main__ import wait_for_definition


async def test_the_watches_begin_once_the_definition_is_served() -> None:
    cluster, stop = FakeCluster(), asyncio.Event()
    cluster.is_down = True
    waiting = asyncio.create_task(wait_for_definition(cluster, "", stop, every=0.001))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), timeout=0.05)

    cluster.is_down = False

    await asyncio.wait_for(waiting, timeout=5)


async def test_a_process_that_waits_can_be_stopped() -> None:
    cluster, stop = FakeCluster(), asyncio.Event()
    cluster.is_down = True
    waiting = asyncio.create_task(wait_for_definition(cluster, "", stop, every=60))

    stop.set()

    await asyncio.wait_for(waiting, timeout=5)
