"""Rate limits: each named, each saying what happens when its store does not answer."""

import math
from dataclasses import dataclass
from datetime import datetime

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import (
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)
from limits.aio.strategies import (
    RateLimiter as Strategy,
)
from redis.exceptions import RedisError

from supmessenger_common.breaker import Breaker
from supmessenger_common.errors import PlatformError, build_unavailable
from supmessenger_common.log import get_logger
from supmessenger_common.redis_clients import RedisClient

logger = get_logger("rate_limits")

# Up to here each hit is remembered by its time; beyond, two counters estimate the window.
EXACT_AMOUNT = 300


@dataclass(frozen=True)
class Limit:
    """A named limit; `fail_open` lets requests pass while redis-state is away."""

    name: str
    item: RateLimitItem
    fail_open: bool


def _limit(name: str, text: str, *, fail_open: bool) -> Limit:
    return Limit(name=name, item=parse(text), fail_open=fail_open)


# Closed where letting everything through would help who guesses or drains; open where people
# would lose the service itself.
REGISTER_BY_ADDRESS = _limit("register", "300 per 1 hour", fail_open=False)
# Each registration may send a mail: nobody's mailbox is filled by way of us.
REGISTER_BY_EMAIL = _limit("register-email", "10 per 1 hour", fail_open=False)
VERIFY_BY_ADDRESS = _limit("verify", "60 per 1 minute", fail_open=False)
LOGIN_BY_ADDRESS = _limit("login-address", "120 per 1 minute", fail_open=False)
LOGIN_BY_ACCOUNT = _limit("login-account", "50 per 1 hour", fail_open=False)
LOGIN_BY_BOTH = _limit("login", "10 per 5 minutes", fail_open=False)
REFRESH_BY_ADDRESS = _limit("refresh", "300 per 1 minute", fail_open=True)
BUNDLES_BY_PAIR = _limit("bundles", "30 per 1 minute", fail_open=False)
KEYS_BY_DEVICE = _limit("keys", "60 per 1 minute", fail_open=True)
PUSH_BY_DEVICE = _limit("push", "30 per 1 minute", fail_open=True)
LOOKUP_BY_USER = _limit("lookup", "120 per 1 minute", fail_open=True)
CHATS_BY_USER = _limit("chats", "60 per 1 minute", fail_open=True)
SEND_BY_USER = _limit("send", "3000 per 1 minute", fail_open=True)
CALLS_BY_USER = _limit("calls", "60 per 1 minute", fail_open=True)
LIMITS = (
    REGISTER_BY_ADDRESS,
    REGISTER_BY_EMAIL,
    VERIFY_BY_ADDRESS,
    LOGIN_BY_ADDRESS,
    LOGIN_BY_ACCOUNT,
    LOGIN_BY_BOTH,
    REFRESH_BY_ADDRESS,
    BUNDLES_BY_PAIR,
    KEYS_BY_DEVICE,
    PUSH_BY_DEVICE,
    LOOKUP_BY_USER,
    CHATS_BY_USER,
    SEND_BY_USER,
    CALLS_BY_USER,
)


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit after a hit."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    def build_headers(self) -> dict[str, str]:
        """Return the rate-limit headers, with Retry-After when nothing is left."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }
        if not self.allowed:
            headers["Retry-After"] = str(self.reset_seconds)
        return headers


class RateLimiter:
    """Counts hits in redis-state; every process of the instance sees the same counts."""

    def __init__(self, redis_state: RedisClient, *, enabled: bool) -> None:
        # The address is only for show: the pool is the one the process has.
        storage = RedisStorage(
            "async+redis://redis-state:6379",
            implementation="redispy",
            key_prefix="limits",
            connection_pool=redis_state.connection_pool,  # type: ignore[arg-type]  # documented
        )
        self._exact = MovingWindowRateLimiter(storage)
        self._estimating = SlidingWindowCounterRateLimiter(storage)
        self._breaker = Breaker()
        self._enabled = enabled

    async def hit(self, limit: Limit, *keys: str, now: datetime) -> Allowance | None:
        """Count one hit; raises 429 `rate_limited`, or 503 when the store of a closed one is away.

        Returns None when nothing was counted.
        """
        if not self._enabled:
            return None
        identifiers = (limit.name, *keys)
        strategy = self._choose(limit)
        try:
            allowed = await self._breaker.run(lambda: strategy.hit(limit.item, *identifiers))
            stats = await strategy.get_window_stats(limit.item, *identifiers)
        except (RedisError, OSError) as error:
            logger.warning("limit not counted", limit=limit.name, error=str(error))
            if limit.fail_open:
                return None
            raise build_unavailable() from error
        allowance = Allowance(
            allowed=allowed,
            limit=limit.item.amount,
            remaining=max(0, stats.remaining),
            reset_seconds=max(1, math.ceil(stats.reset_time - now.timestamp())),
        )
        if not allowed:
            raise build_rate_limited(allowance)
        return allowance

    async def clear(self, limit: Limit, *keys: str) -> None:
        """Forget the hits of a key, after a success."""
        if not self._enabled:
            return
        try:
            await self._choose(limit).clear(limit.item, limit.name, *keys)
        except (RedisError, OSError) as error:
            logger.warning("limit not cleared", limit=limit.name, error=str(error))

    def _choose(self, limit: Limit) -> Strategy:
        return self._exact if limit.item.amount <= EXACT_AMOUNT else self._estimating


def build_rate_limited(allowance: Allowance) -> PlatformError:
    """Return 429 with the time to wait."""
    return PlatformError(
        429,
        "rate_limited",
        f"Too many requests; try again in {allowance.reset_seconds} s.",
        headers=allowance.build_headers(),
    )
