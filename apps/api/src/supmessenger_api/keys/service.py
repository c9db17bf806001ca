"""Publishes the keys of devices and hands out bundles, each one-time key once."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_api.keys import repository
from supmessenger_api.keys.schemas import (
    Bundle,
    BundleRequest,
    Bundles,
    KeyCounts,
    KyberPrekey,
    Prekey,
    PublishedKeys,
    SignedPrekey,
)
from supmessenger_api.keys.signatures import is_signed_by
from supmessenger_api.users.service import build_user_unknown
from supmessenger_common.auth import Principal, build_token_error
from supmessenger_common.database import Pool
from supmessenger_common.errors import FieldError, PlatformError


@dataclass(frozen=True)
class KeyService:
    """Publishing, counting and fetching keys."""

    pool: Pool

    async def publish(
        self, principal: Principal, keys: PublishedKeys, *, now: datetime
    ) -> KeyCounts:
        """Store the keys of the caller's own device.

        Raises 422 `signature_invalid` or `key_ids_repeated`, 409 `identity_key_changed`.
        """
        refuse_repeated_ids(keys)
        # A hundred verifications take longer than other requests should wait.
        faults = await asyncio.to_thread(find_unsigned, keys)
        if faults:
            raise build_signature_error(faults)
        device_id = principal.device_id
        async with self.pool.acquire() as connection, connection.transaction():
            if not await repository.lock_device(connection, device_id):
                raise build_token_error("session_revoked")
            known = await repository.fetch_identity(connection, device_id)
            if known not in (None, keys.identity_key):
                raise PlatformError(
                    409,
                    "identity_key_changed",
                    "A device keeps its identity key for life; log in anew to use another.",
                )
            await repository.write_keys(connection, device_id, keys, now=now)
            return _build_counts(await repository.fetch_counts(connection, device_id))

    async def count(self, principal: Principal) -> KeyCounts:
        """Return what the pools of the caller's device hold: refill when it is little."""
        return _build_counts(await repository.fetch_counts(self.pool, principal.device_id))

    async def take_bundles(
        self, principal: Principal, user_id: UUID, request: BundleRequest
    ) -> Bundles:
        """Return bundles of a user's devices without the caller's; raises 404 `user_unknown`."""
        rows = await repository.take_bundles(
            self.pool,
            user_id,
            without_device=principal.device_id,
            device_ids=request.device_ids,
        )
        if not rows and not await repository.user_exists(self.pool, user_id):
            raise build_user_unknown()
        return Bundles(devices=[_build_bundle(row) for row in rows])


def find_unsigned(keys: PublishedKeys) -> list[str]:
    """Return the paths of keys whose signature is not the identity key's."""
    return [
        path
        for path, key in _iterate_signed(keys)
        if not is_signed_by(keys.identity_key, key.signature, key.public_key)
    ]


def _iterate_signed(keys: PublishedKeys) -> Iterator[tuple[str, SignedPrekey | KyberPrekey]]:
    yield "signedPrekey", keys.signed_prekey
    yield "lastResortKyberPrekey", keys.last_resort_kyber_prekey
    for index, key in enumerate(keys.kyber_prekeys or ()):
        yield f"kyberPrekeys.{index}", key


def build_signature_error(paths: Sequence[str]) -> PlatformError:
    """Return 422 naming every key that is not signed by the identity key."""
    return PlatformError(
        422,
        "signature_invalid",
        "A key is not signed by the identity key.",
        errors=tuple(
            FieldError(f"{path}.signature", "is not the identity key's over this public key")
            for path in paths
        ),
    )


def refuse_repeated_ids(keys: PublishedKeys) -> None:
    """Raise 422 when an id names two keys of one kind; the last resort is a Kyber key too."""
    last_resort = keys.last_resort_kyber_prekey.id
    kyber = [key.id for key in keys.kyber_prekeys or ()]
    faults = [
        *_find_repeated("oneTimePrekeys", [key.id for key in keys.one_time_prekeys or ()]),
        *_find_repeated("kyberPrekeys", kyber),
    ]
    if last_resort in kyber:
        faults.append(
            FieldError("lastResortKyberPrekey.id", f"{last_resort} names a key of the pool too")
        )
    if faults:
        raise PlatformError(
            422, "key_ids_repeated", "An id names more than one key.", errors=tuple(faults)
        )


def _find_repeated(field: str, ids: list[int]) -> list[FieldError]:
    return [
        FieldError(field, f"the id {number} occurs {times} times")
        for number, times in Counter(ids).items()
        if times > 1
    ]


def _build_counts(row: asyncpg.Record) -> KeyCounts:
    return KeyCounts(one_time_prekeys=row["one_time_prekeys"], kyber_prekeys=row["kyber_prekeys"])


def _build_bundle(row: asyncpg.Record) -> Bundle:
    one_time = None
    if row["one_time_id"] is not None:
        one_time = Prekey(id=row["one_time_id"], public_key=row["one_time_key"])
    return Bundle(
        device_id=row["id"],
        registration_id=row["registration_id"],
        identity_key=row["identity_key"],
        signed_prekey=SignedPrekey(
            id=row["prekey_id"], public_key=row["public_key"], signature=row["signature"]
        ),
        one_time_prekey=one_time,
        kyber_prekey=KyberPrekey(
            id=row["kyber_id"], public_key=row["kyber_key"], signature=row["kyber_signature"]
        ),
    )
