"""SQL of sessions and their devices."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_common.database import AnyConnection, Executor

_FIND_LOGIN = """
SELECT id, password_hash, status FROM users
WHERE {column} = $1::citext AND status <> 'deleted'
"""
_FIND_BY_EMAIL = _FIND_LOGIN.format(column="email")
_FIND_BY_USERNAME = _FIND_LOGIN.format(column="username")
_REPLACE_HASH = "UPDATE users SET password_hash = $2 WHERE id = $1"
_INSERT_DEVICE = """
INSERT INTO devices (id, user_id, name, registration_id, created_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $5)
"""
_INSERT_SESSION = """
INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, ip, user_agent,
                      created_at, rotated_at, last_used_at, expires_at)
VALUES ($1, $2, $3, $1, $4, $5, $6, $7, $7, $7, $8)
"""
# The row lock makes two refreshes of one session take turns.
_FIND_CURRENT = """
SELECT id, user_id, device_id, refresh_hash, previous_refresh_hash, confirmed_at, rotated_at,
       expires_at, revoked_at,
       (SELECT status FROM users WHERE users.id = sessions.user_id) AS user_status
FROM sessions WHERE refresh_hash = $1 OR previous_refresh_hash = $1 FOR UPDATE
"""
_FIND_RETIRED = "SELECT session_id FROM retired_refresh_tokens WHERE refresh_hash = $1"
_RETIRE = """
INSERT INTO retired_refresh_tokens (refresh_hash, session_id, retired_at)
VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_ROTATE = """
UPDATE sessions
SET refresh_hash = $2, previous_refresh_hash = $3, rotated_at = $4, last_used_at = $4,
    confirmed_at = NULL, expires_at = $5
WHERE id = $1
"""
_LIST = """
SELECT s.id, s.device_id, d.name AS device_name, s.created_at, s.last_used_at, s.expires_at
FROM sessions s JOIN devices d ON d.id = s.device_id
WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
ORDER BY s.created_at DESC, s.id DESC
"""
_BEYOND = """
SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
ORDER BY last_used_at DESC, id DESC OFFSET $3
"""
_OWNED = "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND user_id = $2)"


@dataclass(frozen=True)
class NewSession:
    """A session and its device to insert."""

    id: UUID
    user_id: UUID
    device_id: UUID
    device_name: str
    registration_id: int
    refresh_hash: bytes
    address: str | None
    user_agent: str
    created_at: datetime
    expires_at: datetime


async def find_login(executor: Executor, login: str) -> asyncpg.Record | None:
    """Return the account of a username or an email address."""
    query = _FIND_BY_EMAIL if "@" in login else _FIND_BY_USERNAME
    return await executor.fetchrow(query, login)


async def update_password_hash(executor: Executor, user_id: UUID, password_hash: str) -> None:
    """Replace a hash by one with today's parameters."""
    await executor.execute(_REPLACE_HASH, user_id, password_hash)


async def insert_session(connection: AnyConnection, new: NewSession) -> None:
    """Insert a device and its session."""
    await connection.execute(
        _INSERT_DEVICE,
        new.device_id,
        new.user_id,
        new.device_name,
        new.registration_id,
        new.created_at,
    )
    await connection.execute(
        _INSERT_SESSION,
        new.id,
        new.user_id,
        new.device_id,
        new.refresh_hash,
        new.address,
        new.user_agent,
        new.created_at,
        new.expires_at,
    )


async def find_by_token(connection: AnyConnection, token_hash: bytes) -> asyncpg.Record | None:
    """Return and lock the session whose current or previous token this is."""
    return await connection.fetchrow(_FIND_CURRENT, token_hash)


async def find_retired(connection: AnyConnection, token_hash: bytes) -> UUID | None:
    """Return the session that gave out a token which has been replaced since."""
    found = await connection.fetchval(_FIND_RETIRED, token_hash)
    return None if found is None else UUID(str(found))


async def retire(
    connection: AnyConnection, token_hash: bytes, *, session_id: UUID, now: datetime
) -> None:
    """Remember a token that must never come back."""
    await connection.execute(_RETIRE, token_hash, session_id, now)


async def rotate(
    connection: AnyConnection,
    session_id: UUID,
    *,
    current: bytes,
    previous: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Give a session its next token; the previous one waits for the confirmation."""
    await connection.execute(_ROTATE, session_id, current, previous, now, expires_at)


async def fetch_open(executor: Executor, user_id: UUID, *, now: datetime) -> list[asyncpg.Record]:
    """Return the open sessions of an account."""
    return await executor.fetch(_LIST, user_id, now)


async def find_beyond(
    executor: Executor, user_id: UUID, *, newest: int, now: datetime
) -> list[UUID]:
    """Return the open sessions of an account but the `newest` used last."""
    return [row["id"] for row in await executor.fetch(_BEYOND, user_id, now, newest)]


async def is_owned(executor: Executor, session_id: UUID, user_id: UUID) -> bool:
    """Say whether a session is the account's."""
    return bool(await executor.fetchval(_OWNED, session_id, user_id))
