"""Rotation of refresh tokens: a lost answer is forgiven, a stolen token is not."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_api.sessions import repository
from supmessenger_common.auth import Principal
from supmessenger_common.database import AnyConnection
from supmessenger_common.errors import PlatformError


@dataclass(frozen=True)
class Reused:
    """A token came back that its session had replaced: somebody else has a copy."""

    session_id: UUID


async def apply_rotation(
    connection: AnyConnection,
    token_hash: bytes,
    *,
    fresh: bytes,
    now: datetime,
    expires_at: datetime,
) -> Principal | Reused:
    """Rotate the session of a token; raises 401 when there is none to rotate."""
    row = await repository.find_by_token(connection, token_hash)
    if row is None:
        session_id = await repository.find_retired(connection, token_hash)
        if session_id is None:
            raise build_invalid()
        return Reused(session_id)
    if not is_open(row, now=now):
        raise build_invalid()
    if is_reuse(row, token_hash):
        return Reused(row["id"])
    retired = compute_retired(row, token_hash)
    if retired is not None:
        await repository.retire(connection, retired, session_id=row["id"], now=now)
    await repository.rotate(
        connection,
        row["id"],
        current=fresh,
        previous=token_hash,
        now=now,
        expires_at=expires_at,
    )
    return Principal(user_id=row["user_id"], session_id=row["id"], device_id=row["device_id"])


def is_open(row: asyncpg.Record, *, now: datetime) -> bool:
    """Say whether a session may go on."""
    return row["revoked_at"] is None and row["expires_at"] > now and row["user_status"] == "active"


def is_reuse(row: asyncpg.Record, token_hash: bytes) -> bool:
    """Say whether the previous token came back although its successor has been used."""
    return row["refresh_hash"] != token_hash and row["confirmed_at"] is not None


def compute_retired(row: asyncpg.Record, token_hash: bytes) -> bytes | None:
    """Return the token that must never come back after this rotation."""
    if row["refresh_hash"] == token_hash:
        retired: bytes | None = row["previous_refresh_hash"]
    else:
        retired = row["refresh_hash"]  # its answer was lost, or is in the wrong hands
    return retired


def build_invalid() -> PlatformError:
    """Return 401 for a token that is not one of ours, or of a session that ended."""
    return PlatformError(
        401, "refresh_token_invalid", "The refresh token is not valid; log in again."
    )


def build_reused() -> PlatformError:
    """Return 401 for a token that came back: the session is ended for everyone who has it."""
    return PlatformError(
        401, "session_revoked", "The refresh token was used before; the session was ended."
    )
