"""Who would wake a device finds out whether it is connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.socket_service import LIMITS, Sockets, run_sockets
from support.waiting import wait_until

from supmessenger_common.bindings import read_redis
from supmessenger_common.identifiers import create_id
from supmessenger_common.push.presence import build_device_key
from supmessenger_common.redis_clients import RedisClient, open_redis
from supmessenger_websocket.device_presence import DeviceAttendance

pytestmark = pytest.mark.services


@pytest.fixture
async def cache(redis_bindings: Path) -> AsyncIterator[RedisClient]:
    redis = open_redis(read_redis(redis_bindings, "redis-cache"), client_name="test")
    yield redis
    await redis.aclose()


def attend(cache: RedisClient, process: str) -> DeviceAttendance:
    return DeviceAttendance(cache, process=process, limits=LIMITS, enabled=True)


async def test_a_device_is_there_from_its_first_socket_to_its_last(
    socket_bindings: Path, postgres_url: str, cache: RedisClient
) -> None:
    async with run_sockets(socket_bindings, postgres_url, push_enabled=True) as sockets:
        anna = await sockets.register("anna")
        key = build_device_key(anna.device_id)

        async def is_there() -> bool:
            return await cache.exists(key) == 1

        async def is_gone() -> bool:
            return await cache.exists(key) == 0

        peer = await sockets.log_in(anna)
        await wait_until(is_there, what="the device to be there")
        assert 0 < await cache.ttl(key) <= LIMITS.presence_ttl_seconds
        await peer.raw.close()
        await wait_until(is_gone, what="the device to be gone")


async def test_without_push_nothing_is_written(sockets: Sockets, cache: RedisClient) -> None:
    anna = await sockets.register("anna")
    peer = await sockets.log_in(anna)
    await peer.sync()
    assert await cache.keys("device-online:*") == []


async def test_a_device_that_moved_is_not_forgotten_by_the_process_it_left(
    cache: RedisClient,
) -> None:
    device, first, second = create_id(), attend(cache, "first"), attend(cache, "second")
    old, new = object(), object()
    first.arrive(old, device)
    await first.write_changes()
    second.arrive(new, device)
    await second.write_changes()
    first.leave(old, device)
    await first.write_changes()
    assert await cache.get(build_device_key(device)) == b"second"
    await second.end()
    assert await cache.get(build_device_key(device)) is None


async def test_a_newer_socket_of_the_device_takes_the_place_of_the_older(
    cache: RedisClient,
) -> None:
    device, here = create_id(), attend(cache, "only")
    old, new = object(), object()
    here.arrive(old, device)
    here.arrive(new, device)
    here.leave(old, device)
    await here.write_changes()
    assert await cache.exists(build_device_key(device)) == 1


async def test_the_word_of_a_process_is_renewed(cache: RedisClient) -> None:
    device, here = create_id(), attend(cache, "only")
    here.arrive(object(), device)
    await here.write_changes()
    await cache.expire(build_device_key(device), 1)
    await here.renew()
    assert await cache.ttl(build_device_key(device)) > 1
