"""SQL of accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_common.database import AnyConnection

_CONFLICTS = """
SELECT id, email = $1::citext AS same_email, username = $2::citext AS same_username,
       status, password_hash
FROM users WHERE email = $1::citext OR username = $2::citext
"""
_DELETE_STALE = """
DELETE FROM users
WHERE status = 'pending' AND (email = $1::citext OR username = $2::citext) AND created_at < $3
"""
_INSERT = """
INSERT INTO users (id, email, username, display_name, password_hash, status, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_INSERT_VERIFICATION = """
INSERT INTO email_verifications (token_hash, user_id, email, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""
_FIND_VERIFICATION = """
SELECT v.user_id, v.used_at, v.expires_at, u.status
FROM email_verifications v JOIN users u ON u.id = v.user_id AND u.email = v.email
WHERE v.token_hash = $1 FOR UPDATE OF v, u
"""
_USE_VERIFICATION = "UPDATE email_verifications SET used_at = $2 WHERE token_hash = $1"
_ACTIVATE = """
UPDATE users SET status = 'active', email_verified_at = $2 WHERE id = $1 AND status = 'pending'
"""


@dataclass(frozen=True)
class AccountRow:
    """An account to insert."""

    id: UUID
    email: str
    username: str
    display_name: str
    password_hash: str
    status: str
    created_at: datetime


async def fetch_conflicts(
    connection: AnyConnection, *, email: str, username: str
) -> list[asyncpg.Record]:
    """Return the accounts that have this email or this username already."""
    return await connection.fetch(_CONFLICTS, email, username)


async def delete_stale(
    connection: AnyConnection, *, email: str, username: str, before: datetime
) -> None:
    """Delete registrations nobody finished that stand in the way."""
    await connection.execute(_DELETE_STALE, email, username, before)


async def insert_account(connection: AnyConnection, row: AccountRow) -> None:
    """Insert an account; raises UniqueViolationError when email or username is taken."""
    await connection.execute(
        _INSERT,
        row.id,
        row.email,
        row.username,
        row.display_name,
        row.password_hash,
        row.status,
        row.created_at,
    )


async def insert_verification(
    connection: AnyConnection,
    token_hash: bytes,
    *,
    user_id: UUID,
    email: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep the hash of a token that proves an address."""
    await connection.execute(_INSERT_VERIFICATION, token_hash, user_id, email, now, expires_at)


async def find_verification(connection: AnyConnection, token_hash: bytes) -> asyncpg.Record | None:
    """Return and lock a verification whose address is still the account's."""
    return await connection.fetchrow(_FIND_VERIFICATION, token_hash)


async def activate(
    connection: AnyConnection, token_hash: bytes, *, user_id: UUID, now: datetime
) -> None:
    """Use a token and make its account active."""
    await connection.execute(_USE_VERIFICATION, token_hash, now)
    await connection.execute(_ACTIVATE, user_id, now)
