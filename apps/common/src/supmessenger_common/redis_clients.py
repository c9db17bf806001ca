"""Redis: bounded clients of a process and their probe."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from supmessenger_common.bindings import RedisBinding

RedisClient = Redis

# In the same cluster Redis answers within milliseconds: who waits longer waits in vain.
CONNECT_SECONDS = 1.0
SOCKET_SECONDS = 1.0
# How long a command waits for a free connection of a busy process.
POOL_SECONDS = 3.0
POOL_SIZE = 32


def open_redis(
    binding: RedisBinding, *, client_name: str, max_connections: int = POOL_SIZE
) -> RedisClient:
    """Return a client for commands; it connects at first use, answers bytes, fails after 1 s."""
    return _build_client(
        binding,
        client_name=client_name,
        max_connections=max_connections,
        socket_timeout=SOCKET_SECONDS,
    )


def open_subscriber(binding: RedisBinding, *, client_name: str) -> RedisClient:
    """Return a client for subscriptions: reads wait without limit, health is pinged."""
    return _build_client(binding, client_name=client_name, max_connections=4, socket_timeout=None)


def _build_client(
    binding: RedisBinding,
    *,
    client_name: str,
    max_connections: int,
    socket_timeout: float | None,
) -> RedisClient:
    pool = BlockingConnectionPool(
        host=binding.host,
        port=binding.port,
        password=binding.password,
        client_name=client_name,
        max_connections=max_connections,
        timeout=POOL_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=socket_timeout,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)


async def probe_redis(client: RedisClient) -> None:
    """Raise unless Redis answers PING."""
    await client.ping()
