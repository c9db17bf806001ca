"""Redis channels of this process: hints only, so a lost one costs time, never a message."""

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Any

from redis.asyncio import Connection
from redis.exceptions import RedisError

from supmessenger_common.log import get_logger
from supmessenger_websocket.background import start_background, stop_background

log = get_logger("subscriptions")

Handler = Callable[[bytes], None]

PING_SECONDS = 5.0
SILENT_SECONDS = 12.0
CONNECT_SECONDS = 4.0
CONFIRM_SECONDS = 2.0
RETRY_LEAST_SECONDS = 0.1
RETRY_MOST_SECONDS = 2.0
# Channels named in one command.
BATCH = 500


class _Channel:
    __slots__ = ("confirmed", "handler")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.confirmed = asyncio.Event()


class Subscriptions:
    """One connection that subscribes, reconnects, subscribes again, and then says so."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._channels: dict[bytes, _Channel] = {}
        # Names to tell Redis about; whether to subscribe is decided when they are sent, so that
        # leaving and coming back in between costs nothing and can't be sent in the wrong order.
        self._changed: dict[bytes, None] = {}
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._synced = False
        self._ever = False
        self._heard = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.on_connect: Callable[[], None] = lambda: None

    @property
    def connected(self) -> bool:
        """Whether hints arrive now for every channel that is wanted."""
        return self._connection is not None and self._synced

    async def probe(self) -> None:
        """Raise until the first connection: a wrong binding must not be rolled out.

        Later losses don't make the process unready: the database heals what hints don't tell.
        """
        if not self._ever:
            raise ConnectionError("not connected yet")

    def start(self) -> None:
        """Connect and stay connected."""
        self._tasks = [
            start_background("subscriptions", self._run),
            start_background("subscriptions-changes", self._send_changes),
            start_background("subscriptions-keepalive", self._keep_alive),
        ]

    async def close(self) -> None:
        """End the connection."""
        await stop_background(self._tasks)
        self._tasks = []

    async def add(self, handlers: dict[str, Handler]) -> bool:
        """Subscribe and wait for the confirmation; False when Redis gives none in time.

        The channels stay wanted in either case and are subscribed at the next connection.
        """
        waiting = []
        for name, handler in handlers.items():
            key = name.encode()
            channel = self._channels.get(key)
            if channel is None:
                channel = self._channels[key] = _Channel(handler)
                self._change(key)
            waiting.append(channel.confirmed)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS if self._connection else 0):
                for event in waiting:
                    await event.wait()
        except TimeoutError:
            return False
        return True

    def discard(self, names: Iterable[str]) -> None:
        """Unsubscribe soon."""
        for name in names:
            key = name.encode()
            if self._channels.pop(key, None) is not None:
                self._change(key)

    def _change(self, key: bytes) -> None:
        self._changed[key] = None
        self._wake.set()

    async def _run(self) -> None:
        wait = RETRY_LEAST_SECONDS
        while True:
            connection = self._connect()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.connect()  # type: ignore[no-untyped-call]  # redis-py's own
                self._heard = asyncio.get_running_loop().time()
                self._changed = dict.fromkeys(self._channels)
                self._connection = connection
                self._wake.set()
                wait = RETRY_LEAST_SECONDS
                await self._read(connection)
            except (RedisError, OSError) as error:  # a timeout is an OSError
                log.warning("lost the connection to redis", error=str(error))
            finally:
                self._connection = None
                self._synced = False
                for channel in self._channels.values():
                    channel.confirmed.clear()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_MOST_SECONDS)

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            reply: Any = await connection.read_response(timeout=math.inf, push_request=True)
            self._heard = loop.time()
            if not isinstance(reply, list) or len(reply) != 3:
                self._note_pong()
                continue
            kind, name, data = reply
            channel = self._channels.get(name)
            if channel is None:
                continue
            if kind == b"message":
                _handle(channel, data)
            elif kind == b"subscribe":
                channel.confirmed.set()

    def _note_pong(self) -> None:
        # Redis answers in order: all channels sent before the first ping are subscribed now.
        if not self._synced:
            self._synced = self._ever = True
            self.on_connect()

    async def _send_changes(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            connection = self._connection
            if connection is None:
                continue
            changed, self._changed = list(self._changed), {}
            added = [key for key in changed if key in self._channels]
            removed = [key for key in changed if key not in self._channels]
            try:
                await _send_batches(connection, "SUBSCRIBE", added)
                await _send_batches(connection, "UNSUBSCRIBE", removed)
                if not self._synced:
                    await connection.send_command("PING", check_health=False)
            except (RedisError, OSError) as error:
                # The reader sees the same loss and connects again with all that is wanted.
                log.info("could not send to redis", error=str(error))

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_SECONDS)
            connection = self._connection
            if connection is None:
                continue
            try:
                if loop.time() - self._heard > SILENT_SECONDS:
                    await connection.disconnect(nowait=True)
                else:
                    await connection.send_command("PING", check_health=False)
            except (RedisError, OSError) as error:
                log.info("could not ping redis", error=str(error))


def _handle(channel: _Channel, data: bytes) -> None:
    try:
        channel.handler(data)
    except Exception:
        # One bad hint must not stop the others; what it meant is healed from the database.
        log.exception("hint could not be handled")


async def _send_batches(connection: Connection, command: str, keys: list[bytes]) -> None:
    for start in range(0, len(keys), BATCH):
        await connection.send_command(command, *keys[start : start + BATCH], check_health=False)
