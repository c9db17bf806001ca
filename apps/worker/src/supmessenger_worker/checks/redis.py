"""Asks one Redis with its password."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from supmessenger_common.bindings import RedisBinding
from supmessenger_worker.checks.model import Answer


async def probe_redis(binding: RedisBinding) -> Answer:
    """Connect afresh, PING, and read the version."""
    client = Redis(
        host=binding.host,
        port=binding.port,
        password=binding.password,
        socket_connect_timeout=2,
        socket_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        await client.ping()
        server = await client.info("server")
    finally:
        await client.aclose()
    return Answer(version=str(server["redis_version"]))
