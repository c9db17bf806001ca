"""Pausing after a failure."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from supmessenger_common.breaker import Breaker


class Server:
    """Something that answers or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    async def answer(self) -> str:
        """Answer or fail."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return "pong"


async def test_a_server_that_failed_is_left_alone_for_a_moment() -> None:
    now = 100.0
    breaker, server = Breaker(pause=1, clock=lambda: now), Server()
    server.error = RedisConnectionError("away")
    for _ in range(3):
        with pytest.raises(RedisConnectionError):
            await breaker.run(server.answer)
    assert server.asked == 1
    now, server.error = 101.0, None
    assert await breaker.run(server.answer) == "pong"


async def test_an_answer_that_is_an_error_is_an_answer() -> None:
    breaker, server = Breaker(), Server()
    server.error = ResponseError("wrong type")
    for _ in range(2):
        with pytest.raises(ResponseError):
            await breaker.run(server.answer)
    assert server.asked == 2
