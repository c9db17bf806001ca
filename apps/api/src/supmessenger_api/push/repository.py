"""SQL of push tokens."""

from uuid import UUID

from supmessenger_common.database import AnyConnection, Executor

# An app that logged in anew brings the token of the device it was before: that one is woken no
# more. Not one statement: the insertion would not see that the row is gone.
_TAKE = "DELETE FROM push_tokens WHERE token_hash = $2 AND device_id <> $1"
_PUT = """
INSERT INTO push_tokens (device_id, provider, token, token_hash) VALUES ($1, $2, $3, $4)
ON CONFLICT (device_id) DO UPDATE
SET provider = excluded.provider, token = excluded.token, token_hash = excluded.token_hash
"""
_DELETE = "DELETE FROM push_tokens WHERE device_id = $1"


async def put_token(
    connection: AnyConnection, device_id: UUID, *, provider: str, token: bytes, token_hash: bytes
) -> None:
    """Take a token from any other device and store it as the only one of this device.

    Runs inside the caller's transaction.
    """
    await connection.execute(_TAKE, device_id, token_hash)
    await connection.execute(_PUT, device_id, provider, token, token_hash)


async def delete_token(executor: Executor, device_id: UUID) -> None:
    """Forget the token of a device."""
    await executor.execute(_DELETE, device_id)
