"""Judges access tokens against the session they came from: ended, or used for the first time."""

from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.auth import ACCESS_LIFETIME, CLOCK_SKEW, Principal, build_token_error
from supmessenger_common.breaker import Breaker
from supmessenger_common.database import Executor, Pool
from supmessenger_common.log import get_logger
from supmessenger_common.redis_clients import RedisClient

logger = get_logger("sessions")

SEEN_LIMIT = 50_000
_EPOCH_STEP = timedelta(milliseconds=1)

_OPEN = """
SELECT 1 FROM sessions s JOIN devices d ON d.id = s.device_id JOIN users u ON u.id = s.user_id
WHERE s.id = $1 AND s.user_id = $2 AND s.device_id = $3
  AND s.revoked_at IS NULL AND d.revoked_at IS NULL AND u.status = 'active'
"""
_CONFIRM = """
UPDATE sessions SET confirmed_at = $3, last_used_at = $3
WHERE id = $1 AND confirmed_at IS NULL AND rotated_at = $2
"""


def build_revoked_key(session_id: UUID) -> str:
    """Return the key in redis-state that says a session ended before its tokens."""
    return f"revoked:{session_id}"


def compute_generation(rotated_at: datetime) -> int:
    """Return what a token carries to name the rotation it came from (milliseconds)."""
    return round(rotated_at.timestamp() * 1000)


class SessionGuard:
    """Checks sessions with one Redis look-up; falls back to the database when Redis is away."""

    def __init__(self, pool: Pool, redis_state: RedisClient) -> None:
        self._pool = pool
        self._redis = redis_state
        self._breaker = Breaker()
        # Tokens this process has seen: only the first use of each asks the database.
        self._seen: OrderedDict[tuple[UUID, int], None] = OrderedDict()

    async def check(self, principal: Principal, *, now: datetime) -> None:
        """Raise 401 `session_revoked` unless the session is open."""
        token = (principal.session_id, principal.generation)
        if token not in self._seen:
            await self._check_database(principal)
            await self._confirm(principal, now=now)
            self._remember(token)
        elif await self._is_marked(principal.session_id) is not False:
            await self._check_database(principal)

    async def _is_marked(self, session_id: UUID) -> bool | None:
        try:
            key = build_revoked_key(session_id)
            return bool(await self._breaker.run(lambda: self._redis.exists(key)))
        except (RedisError, OSError) as error:
            logger.warning("redis-state does not answer", error=str(error))
            return None

    async def _check_database(self, principal: Principal) -> None:
        row = await self._pool.fetchval(
            _OPEN, principal.session_id, principal.user_id, principal.device_id
        )
        if row is None:
            raise build_token_error("session_revoked")

    async def _confirm(self, principal: Principal, *, now: datetime) -> None:
        rotated_at = datetime.fromtimestamp(0, tz=now.tzinfo) + (principal.generation * _EPOCH_STEP)
        await self._pool.execute(_CONFIRM, principal.session_id, rotated_at, now)

    def _remember(self, token: tuple[UUID, int]) -> None:
        self._seen[token] = None
        if len(self._seen) > SEEN_LIMIT:
            self._seen.popitem(last=False)


async def revoke_session(
    executor: Executor, session_id: UUID, *, reason: str, now: datetime
) -> bool:
    """End a session and unlink its device in the database; False when it had ended already."""
    return bool(await executor.fetchval(_REVOKE, session_id, now, reason))


_REVOKE = """
WITH ended AS (
    UPDATE sessions SET revoked_at = $2, revoked_reason = $3
    WHERE id = $1 AND revoked_at IS NULL RETURNING device_id
), unlinked AS (
    UPDATE devices SET revoked_at = $2
    WHERE id IN (SELECT device_id FROM ended) AND revoked_at IS NULL
)
SELECT count(*) > 0 FROM ended
"""


async def mark_revoked(redis_state: RedisClient, session_id: UUID) -> None:
    """Tell every process that the session's remaining access tokens are void."""
    lifetime = ACCESS_LIFETIME + 2 * CLOCK_SKEW
    try:
        await redis_state.set(build_revoked_key(session_id), b"1", ex=lifetime)
    except (RedisError, OSError) as error:
        # The database has it; tokens already seen stay usable until they expire.
        logger.error("revocation not marked", session_id=str(session_id), error=str(error))
