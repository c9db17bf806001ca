"""Which devices are connected now, as the socket processes say in the cache."""

from collections.abc import Iterable
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_common.push.presence import build_device_key
from supmessenger_common.redis_clients import RedisClient

_BATCH = 500
_log = get_logger("pushes")


async def find_connected(redis: RedisClient, devices: Iterable[UUID]) -> set[UUID]:
    """Return the connected ones; none while the cache is away: waking too many does less harm."""
    wanted, connected = list(devices), set[UUID]()
    try:
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            values = await redis.mget([build_device_key(device) for device in batch])
            connected |= {
                device for device, value in zip(batch, values, strict=True) if value is not None
            }
    except (RedisError, OSError) as error:
        _log.warning("presence is not known", why=repr(error)[:200])
    return connected
