"""Says in the cache what happened, as the services do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from supmessenger_common.bindings import read_redis
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import open_redis


@asynccontextmanager
async def open_publisher(bindings: Path) -> AsyncIterator[Publisher]:
    """Publish for the tests' instance."""
    redis = open_redis(read_redis(bindings, "redis-cache"), client_name="test")
    try:
        yield Publisher(redis, "sup")
    finally:
        await redis.aclose()
