"""SQL of keys."""

from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_api.keys.schemas import KyberPrekey, Prekey, PublishedKeys, SignedPrekey
from supmessenger_common.database import AnyConnection, Executor

# Not a full lock: messages that refer to the device must not wait for it.
_LOCK_DEVICE = "SELECT id FROM devices WHERE id = $1 AND revoked_at IS NULL FOR NO KEY UPDATE"
_IDENTITY = "SELECT public_key FROM identity_keys WHERE device_id = $1"
_INSERT_IDENTITY = """
INSERT INTO identity_keys (device_id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_RETIRE_SIGNED = """
UPDATE signed_prekeys SET retired_at = $3
WHERE device_id = $1 AND prekey_id <> $2 AND retired_at IS NULL
"""
_INSERT_SIGNED = """
INSERT INTO signed_prekeys (device_id, prekey_id, public_key, signature) VALUES ($1, $2, $3, $4)
ON CONFLICT (device_id, prekey_id) DO UPDATE
SET public_key = excluded.public_key, signature = excluded.signature, retired_at = NULL
"""
_DELETE_POOL = "DELETE FROM one_time_prekeys WHERE device_id = $1"
_INSERT_POOL = """
INSERT INTO one_time_prekeys (device_id, prekey_id, public_key)
SELECT $1, * FROM unnest($2::integer[], $3::bytea[])
"""
_DELETE_KYBER_POOL = "DELETE FROM kyber_prekeys WHERE device_id = $1 AND NOT last_resort"
_INSERT_KYBER_POOL = """
INSERT INTO kyber_prekeys (device_id, prekey_id, public_key, signature)
SELECT $1, * FROM unnest($2::integer[], $3::bytea[], $4::bytea[])
"""
_DELETE_LAST_RESORT = """
DELETE FROM kyber_prekeys WHERE device_id = $1 AND (last_resort OR prekey_id = $2)
"""
_INSERT_LAST_RESORT = """
INSERT INTO kyber_prekeys (device_id, prekey_id, public_key, signature, last_resort)
VALUES ($1, $2, $3, $4, true)
"""
_COUNTS = """
SELECT (SELECT count(*) FROM one_time_prekeys WHERE device_id = $1) AS one_time_prekeys,
       (SELECT count(*) FROM kyber_prekeys WHERE device_id = $1 AND NOT last_resort)
           AS kyber_prekeys
"""
_USER_EXISTS = "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND status = 'active')"

# Each parallel fetch locks another row: who finds none free gets no one-time prekey, and the
# last-resort key in place of a Kyber one.
_TAKE_BUNDLES = """
WITH target AS (
    SELECT d.id, d.registration_id, i.public_key AS identity_key,
           s.prekey_id, s.public_key, s.signature
    FROM devices d
    JOIN identity_keys i ON i.device_id = d.id
    JOIN signed_prekeys s ON s.device_id = d.id AND s.retired_at IS NULL
    WHERE d.user_id = $1 AND d.revoked_at IS NULL AND d.id <> $2
      AND ($3::uuid[] IS NULL OR d.id = ANY ($3))
), picked AS (
    SELECT t.id, p.prekey_id FROM target t CROSS JOIN LATERAL (
        SELECT prekey_id FROM one_time_prekeys WHERE device_id = t.id
        ORDER BY prekey_id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) p
), taken AS (
    DELETE FROM one_time_prekeys o USING picked
    WHERE o.device_id = picked.id AND o.prekey_id = picked.prekey_id
    RETURNING o.device_id, o.prekey_id, o.public_key
), kyber_picked AS (
    SELECT t.id, p.prekey_id FROM target t CROSS JOIN LATERAL (
        SELECT prekey_id FROM kyber_prekeys WHERE device_id = t.id AND NOT last_resort
        ORDER BY prekey_id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) p
), kyber_taken AS (
    DELETE FROM kyber_prekeys k USING kyber_picked
    WHERE k.device_id = kyber_picked.id AND k.prekey_id = kyber_picked.prekey_id
    RETURNING k.device_id, k.prekey_id, k.public_key, k.signature
)
SELECT t.*, o.prekey_id AS one_time_id, o.public_key AS one_time_key,
       coalesce(k.prekey_id, l.prekey_id) AS kyber_id,
       coalesce(k.public_key, l.public_key) AS kyber_key,
       coalesce(k.signature, l.signature) AS kyber_signature
FROM target t
LEFT JOIN taken o ON o.device_id = t.id
LEFT JOIN kyber_taken k ON k.device_id = t.id
JOIN kyber_prekeys l ON l.device_id = t.id AND l.last_resort
ORDER BY t.id
"""


async def lock_device(connection: AnyConnection, device_id: UUID) -> bool:
    """Make publications of one device take turns; False when it is unlinked."""
    return await connection.fetchval(_LOCK_DEVICE, device_id) is not None


async def fetch_identity(connection: AnyConnection, device_id: UUID) -> bytes | None:
    """Return the identity key a device has published."""
    value: bytes | None = await connection.fetchval(_IDENTITY, device_id)
    return value


async def write_keys(
    connection: AnyConnection, device_id: UUID, keys: PublishedKeys, *, now: datetime
) -> None:
    """Write what a device publishes, inside the caller's transaction."""
    await connection.execute(_INSERT_IDENTITY, device_id, keys.identity_key)
    await _write_signed(connection, device_id, keys.signed_prekey, now=now)
    if keys.one_time_prekeys is not None:
        await _replace_pool(connection, device_id, keys.one_time_prekeys)
    if keys.kyber_prekeys is not None:
        await connection.execute(_DELETE_KYBER_POOL, device_id)
    await _replace_last_resort(connection, device_id, keys.last_resort_kyber_prekey)
    if keys.kyber_prekeys is not None:
        await _insert_kyber_pool(connection, device_id, keys.kyber_prekeys)


async def fetch_counts(executor: Executor, device_id: UUID) -> asyncpg.Record:
    """Return how many keys the pools of a device hold."""
    row = await executor.fetchrow(_COUNTS, device_id)
    assert row is not None
    return row


async def user_exists(executor: Executor, user_id: UUID) -> bool:
    """Say whether there is such an active user."""
    return bool(await executor.fetchval(_USER_EXISTS, user_id))


async def take_bundles(
    executor: Executor, user_id: UUID, *, without_device: UUID, device_ids: list[UUID] | None
) -> list[asyncpg.Record]:
    """Return a bundle for each active device and consume its one-time keys."""
    return await executor.fetch(_TAKE_BUNDLES, user_id, without_device, device_ids)


async def _write_signed(
    connection: AnyConnection, device_id: UUID, key: SignedPrekey, *, now: datetime
) -> None:
    await connection.execute(_RETIRE_SIGNED, device_id, key.id, now)
    await connection.execute(_INSERT_SIGNED, device_id, key.id, key.public_key, key.signature)


async def _replace_pool(connection: AnyConnection, device_id: UUID, pool: list[Prekey]) -> None:
    await connection.execute(_DELETE_POOL, device_id)
    ids, keys = [key.id for key in pool], [key.public_key for key in pool]
    await connection.execute(_INSERT_POOL, device_id, ids, keys)


async def _replace_last_resort(
    connection: AnyConnection, device_id: UUID, key: KyberPrekey
) -> None:
    await connection.execute(_DELETE_LAST_RESORT, device_id, key.id)
    await connection.execute(_INSERT_LAST_RESORT, device_id, key.id, key.public_key, key.signature)


async def _insert_kyber_pool(
    connection: AnyConnection, device_id: UUID, pool: list[KyberPrekey]
) -> None:
    await connection.execute(
        _INSERT_KYBER_POOL,
        device_id,
        [key.id for key in pool],
        [key.public_key for key in pool],
        [key.signature for key in pool],
    )
