"""Who is connected now, as the socket processes say in the cache."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_common.redis_clients import RedisClient

_BATCH = 500
_log = get_logger("pushes")


async def find_online(redis: RedisClient, users: Iterable[UUID], *, now: datetime) -> set[UUID]:
    """Return who is online; nobody while the cache is away: waking too many is the lesser evil."""
    wanted, online = list(users), set[UUID]()
    try:
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            async with redis.pipeline(transaction=False) as pipe:
                for user in batch:
                    pipe.zcount(f"presence:{user}", now.timestamp(), "+inf")
                counts = await pipe.execute()
            online |= {user for user, count in zip(batch, counts, strict=True) if count}
    except (RedisError, OSError) as error:
        _log.warning("presence is not known", why=repr(error)[:200])
    return online
