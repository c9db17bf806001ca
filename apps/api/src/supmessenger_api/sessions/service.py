"""Opens, renews and ends sessions."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

import asyncpg
from redis.exceptions import RedisError

from supmessenger_api.passwords import PasswordVault
from supmessenger_api.sessions import repository, rotation
from supmessenger_api.sessions.schemas import Login, OpenedSession, Session
from supmessenger_api.tokens import compute_token_hash, create_token
from supmessenger_common.auth import ACCESS_LIFETIME, AccessTokens, Principal
from supmessenger_common.database import Pool
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import create_id
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import RedisClient
from supmessenger_common.sessions import compute_generation, mark_revoked, revoke_session

logger = get_logger("sessions")

SESSION_LIFETIME = timedelta(days=90)
# Every sender encrypts for every device of a chat: one account must not bring hundreds.
MOST_SESSIONS = 50
RETRY_LIFETIME = timedelta(minutes=10)
USER_AGENT_LIMIT = 512


@dataclass(frozen=True)
class Origin:
    """Where a login comes from, for the list of sessions; `retry_key` is the client's own."""

    address: str
    user_agent: str
    retry_key: str | None = None


@dataclass(frozen=True)
class SessionService:
    """Log in, refresh, list, log out."""

    pool: Pool
    vault: PasswordVault
    key: bytes
    tokens: AccessTokens
    redis_state: RedisClient
    publisher: Publisher

    async def log_in(self, login: Login, *, origin: Origin, now: datetime) -> OpenedSession:
        """Open a session on a new device; beyond `MOST_SESSIONS` the one used least ends.

        Raises 401 `invalid_credentials`, 403 `email_not_verified` or `account_suspended`; the
        last two only to who knows the password.
        """
        now = truncate_time(now)
        user_id = await self._check_credentials(login)
        token = create_token()
        new = repository.NewSession(
            id=create_id(),
            user_id=user_id,
            device_id=create_id(),
            device_name=login.device.name,
            registration_id=login.device.registration_id,
            refresh_hash=self._hash(token),
            address=parse_address(origin.address),
            user_agent=origin.user_agent[:USER_AGENT_LIMIT],
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
        async with self.pool.acquire() as connection, connection.transaction():
            await repository.insert_session(connection, new)
        await self._end_beyond(user_id, now=now)
        if origin.retry_key is not None:
            await self._end_earlier_try(user_id, origin.retry_key, new.id, now=now)
        principal = Principal(user_id=user_id, session_id=new.id, device_id=new.device_id)
        return self._open(principal, token, rotated_at=now, now=now)

    async def refresh(self, token: str, *, now: datetime) -> OpenedSession:
        """Exchange a refresh token for a new pair.

        The token before stays good until the new access token is first used; a token older
        than that ends the session. Raises 401 `refresh_token_invalid` or `session_revoked`.
        """
        now = truncate_time(now)
        token_hash = compute_token_hash(self.key, token)
        if token_hash is None:
            raise rotation.build_invalid()
        fresh = create_token()
        async with self.pool.acquire() as connection, connection.transaction():
            outcome = await rotation.apply_rotation(
                connection,
                token_hash,
                fresh=self._hash(fresh),
                now=now,
                expires_at=now + SESSION_LIFETIME,
            )
        if isinstance(outcome, rotation.Reused):
            await self._end(outcome.session_id, reason="refresh_token_reused", now=now)
            raise rotation.build_reused()
        return self._open(outcome, fresh, rotated_at=now, now=now)

    async def list_open(self, principal: Principal, *, now: datetime) -> list[Session]:
        """Return the caller's open sessions."""
        rows = await repository.fetch_open(self.pool, principal.user_id, now=now)
        return [_build_session(row, current=principal.session_id) for row in rows]

    async def end(self, principal: Principal, session_id: UUID, *, now: datetime) -> None:
        """End one of the caller's own sessions; raises 404 `session_unknown`."""
        if not await repository.is_owned(self.pool, session_id, principal.user_id):
            raise PlatformError(404, "session_unknown", "You have no such session.")
        await self._end(session_id, reason="logged_out", now=now)

    async def _check_credentials(self, login: Login) -> UUID:
        found = await repository.find_login(self.pool, login.login)
        stored = None if found is None else found["password_hash"]
        if not await self.vault.verify(stored, login.password) or found is None:
            raise PlatformError(401, "invalid_credentials", "Login or password is wrong.")
        if found["status"] == "pending":
            raise PlatformError(
                403, "email_not_verified", "Use the link in the email we have sent first."
            )
        if found["status"] != "active":
            raise PlatformError(403, "account_suspended", "This account is suspended.")
        if self.vault.needs_rehash(found["password_hash"]):
            rehashed = await self.vault.hash(login.password)
            await repository.update_password_hash(self.pool, found["id"], rehashed)
        return UUID(str(found["id"]))

    async def _end(self, session_id: UUID, *, reason: str, now: datetime) -> None:
        await revoke_session(self.pool, session_id, reason=reason, now=now)
        # Again for one that had ended: the first announcement may have been lost.
        await mark_revoked(self.redis_state, session_id)
        await self.publisher.publish_revoked(session_id)

    async def _end_beyond(self, user_id: UUID, *, now: datetime) -> None:
        for session_id in await repository.find_beyond(
            self.pool, user_id, newest=MOST_SESSIONS, now=now
        ):
            await self._end(session_id, reason="too_many_sessions", now=now)

    async def _end_earlier_try(
        self, user_id: UUID, retry_key: str, session_id: UUID, *, now: datetime
    ) -> None:
        # A login whose answer was lost left a session nobody holds: its retry replaces it.
        key = f"login:{user_id}:{retry_key}"
        try:
            earlier = await self.redis_state.set(key, str(session_id), ex=RETRY_LIFETIME, get=True)
        except (RedisError, OSError) as error:
            logger.warning("login not remembered", error=str(error))
            return
        if isinstance(earlier, bytes):
            await self._end(UUID(earlier.decode()), reason="login_repeated", now=now)

    def _open(
        self, principal: Principal, token: str, *, rotated_at: datetime, now: datetime
    ) -> OpenedSession:
        issued = replace(principal, generation=compute_generation(rotated_at))
        return OpenedSession(
            access_token=self.tokens.issue(issued, now=now),
            expires_in=int(ACCESS_LIFETIME.total_seconds()),
            refresh_token=token,
            user_id=principal.user_id,
            device_id=principal.device_id,
            session_id=principal.session_id,
        )

    def _hash(self, token: str) -> bytes:
        value = compute_token_hash(self.key, token)
        assert value is not None
        return value


def truncate_time(value: datetime) -> datetime:
    """Return whole milliseconds: what a token can carry must be what the table holds."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def parse_address(text: str) -> str | None:
    """Return an IP address, or None for what is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _build_session(row: asyncpg.Record, *, current: UUID) -> Session:
    return Session(
        id=row["id"],
        device_id=row["device_id"],
        device_name=row["device_name"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        current=row["id"] == current,
    )
