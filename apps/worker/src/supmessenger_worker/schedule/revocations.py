"""Hears which sessions end, so that what depends on them need not wait for the next look."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import build_session_channel
from supmessenger_common.redis_clients import RedisClient

RETRY_SECONDS = 5.0
IDLE_SECONDS = 15.0
_log = get_logger("revocations")


async def follow_revocations(
    subscriber: RedisClient, instance: str, act: Callable[[UUID], Awaitable[None]]
) -> None:
    """Act on each session that ends, until cancelled; what is missed here costs only time."""
    while True:
        try:
            await _listen(subscriber, instance, act)
        except (RedisError, OSError) as error:
            _log.warning("ends of sessions not heard", why=repr(error)[:300])
        await asyncio.sleep(RETRY_SECONDS)


async def _listen(
    subscriber: RedisClient, instance: str, act: Callable[[UUID], Awaitable[None]]
) -> None:
    prefix = build_session_channel(instance, "")
    async with subscriber.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.psubscribe(f"{prefix}*")
        while True:
            # Between hints it is asked whether Redis is still there.
            message = await channel.get_message(timeout=IDLE_SECONDS)
            if message is None:
                continue
            try:
                await act(UUID(message["channel"].decode().removeprefix(prefix)))
            # A hint that came to nothing must not end the hearing of others.
            except Exception as error:
                _log.warning("end of a session not acted on", why=repr(error)[:300])
