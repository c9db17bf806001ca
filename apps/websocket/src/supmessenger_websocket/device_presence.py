"""Which devices are connected, for who would wake them: one key a device, only where push is on.

The key names the process that holds the socket, so that a device that moved to another process is
not forgotten by the one it left.
"""

import asyncio
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_common.push.presence import build_device_key
from supmessenger_common.redis_clients import RedisClient
from supmessenger_websocket.limits import Limits

log = get_logger("presence")

BATCH = 500
RETRY_SECONDS = 1.0
_FORGET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class DeviceAttendance:
    """The devices that are connected to this process."""

    def __init__(
        self, redis: RedisClient, *, process: str, limits: Limits, enabled: bool = False
    ) -> None:
        self._redis = redis
        self._process = process
        self._limits = limits
        self._enabled = enabled
        self._here: dict[UUID, object] = {}
        self._dirty: set[UUID] = set()
        self._changed = asyncio.Event()

    def arrive(self, connection: object, device: UUID) -> None:
        """Count a device; a newer socket of it takes the place of the older one."""
        if self._enabled:
            self._here[device] = connection
            self._mark(device)

    def leave(self, connection: object, device: UUID) -> None:
        """Forget a device, unless a newer socket of it is here."""
        if self._here.get(device) is connection:
            del self._here[device]
            self._mark(device)

    async def run(self) -> None:
        """Tell Redis who came and went, for as long as the process runs."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._limits.presence_flush_seconds)
            if not await self.write_changes():
                await asyncio.sleep(RETRY_SECONDS)

    async def renew(self) -> None:
        """Renew the word of this process for every device here."""
        await self._write(list(self._here))

    async def end(self) -> None:
        """Take back the word of this process for every device: it ends."""
        self._dirty.update(self._here)
        self._here.clear()
        await self.write_changes()

    async def write_changes(self) -> bool:
        """Write what changed; False when Redis did not take it, and it will be tried again."""
        self._changed.clear()
        devices, self._dirty = list(self._dirty), set()
        try:
            await self._write(devices)
        except (RedisError, OSError) as error:
            log.warning("devices could not be written", error=str(error))
            self._dirty.update(devices)
            self._changed.set()
            return False
        return True

    async def _write(self, devices: list[UUID]) -> None:
        ttl = int(self._limits.presence_ttl_seconds)
        for start in range(0, len(devices), BATCH):
            async with self._redis.pipeline(transaction=False) as pipe:
                for device in devices[start : start + BATCH]:
                    key = build_device_key(device)
                    if device in self._here:
                        pipe.set(key, self._process, ex=ttl)
                    else:
                        pipe.eval(_FORGET, 1, key, self._process)
                await pipe.execute()

    def _mark(self, device: UUID) -> None:
        self._dirty.add(device)
        self._changed.set()
