"""Ends of sessions are heard, whatever else is said, and whatever comes of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from support.waiting import wait_until

from supmessenger_common.bindings import read_redis
from supmessenger_common.identifiers import create_id
from supmessenger_common.messages.publish import Publisher, build_session_channel
from supmessenger_common.redis_clients import open_redis, open_subscriber
from supmessenger_worker.schedule.revocations import follow_revocations

pytestmark = pytest.mark.services


async def test_every_end_of_a_session_is_acted_on(redis_bindings: Path) -> None:
    binding = read_redis(redis_bindings, "redis-cache")
    subscriber = open_subscriber(binding, client_name="test")
    redis = open_redis(binding, client_name="test")
    publisher = Publisher(redis, "sup")
    heard: list[UUID] = []

    async def act(session_id: UUID) -> None:
        heard.append(session_id)
        raise TimeoutError("the database is away")

    async def is_listening() -> bool:
        return bool(await redis.pubsub_numpat())

    async def has_heard_both() -> bool:
        return len(heard) == 2

    first, other, second = create_id(), create_id(), create_id()
    following = asyncio.create_task(follow_revocations(subscriber, "sup", act))
    try:
        await wait_until(is_listening, what="the subscription")
        await publisher.publish_revoked(first)
        await Publisher(redis, "another").publish_revoked(other)
        await redis.publish(build_session_channel("sup", "no-session"), b"?")
        await publisher.publish_revoked(second)
        await wait_until(has_heard_both, what="both ends")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        for client in (subscriber, redis):
            await client.aclose()
    assert heard == [first, second]
