"""Stops asking a server that has just failed, so that requests do not wait for it one by one."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

T = TypeVar("T")

PAUSE_SECONDS = 1.0


class Breaker:
    """Lets operations through until one fails to reach its Redis, then pauses for a second."""

    def __init__(
        self, *, pause: float = PAUSE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pause = pause
        self._clock = clock
        self._closed_until = 0.0

    async def run(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run an operation, or raise a connection error at once during a pause."""
        if self._clock() < self._closed_until:
            raise RedisConnectionError("did not answer a moment ago")
        try:
            return await operation()
        except (RedisConnectionError, RedisTimeoutError, OSError):
            self._closed_until = self._clock() + self._pause
            raise
