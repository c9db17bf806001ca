"""Requests and answers of keys."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from supmessenger_api.keys.signatures import (
    SIGNATURE_LENGTH,
    find_curve_key_fault,
    find_kyber_key_fault,
)
from supmessenger_api.wire import WireBytes, WireModel

POOL_LIMIT = 100


def check_curve_key(value: bytes) -> bytes:
    """Raise ValueError unless this is a serialized Curve25519 key."""
    if (fault := find_curve_key_fault(value)) is not None:
        raise ValueError(fault)
    return value


def check_kyber_key(value: bytes) -> bytes:
    """Raise ValueError unless this is a serialized Kyber-1024 key."""
    if (fault := find_kyber_key_fault(value)) is not None:
        raise ValueError(fault)
    return value


def check_signature(value: bytes) -> bytes:
    """Raise ValueError unless this has the length of a signature."""
    if len(value) != SIGNATURE_LENGTH:
        raise ValueError(f"must have {SIGNATURE_LENGTH} bytes")
    return value


KeyId = Annotated[int, Field(ge=0, le=0x7FFFFFFF)]
CurveKey = Annotated[WireBytes, AfterValidator(check_curve_key)]
KyberKey = Annotated[WireBytes, AfterValidator(check_kyber_key)]
Signature = Annotated[WireBytes, AfterValidator(check_signature)]


class Prekey(WireModel):
    """A one-time prekey."""

    id: KeyId
    public_key: CurveKey


class SignedPrekey(WireModel):
    """A prekey signed by the identity key."""

    id: KeyId
    public_key: CurveKey
    signature: Signature


class KyberPrekey(WireModel):
    """A post-quantum prekey signed by the identity key."""

    id: KeyId
    public_key: KyberKey
    signature: Signature


class PublishedKeys(WireModel):
    """The keys of the caller's device; a pool that is given replaces the one before."""

    identity_key: CurveKey
    signed_prekey: SignedPrekey
    last_resort_kyber_prekey: KyberPrekey
    one_time_prekeys: Annotated[list[Prekey], Field(max_length=POOL_LIMIT)] | None = None
    kyber_prekeys: Annotated[list[KyberPrekey], Field(max_length=POOL_LIMIT)] | None = None


class KeyCounts(WireModel):
    """How many keys the pools of the caller's device still hold."""

    one_time_prekeys: int
    kyber_prekeys: int


class BundleRequest(WireModel):
    """Which devices to fetch bundles of; all when not given."""

    device_ids: Annotated[list[UUID], Field(max_length=POOL_LIMIT)] | None = None


class Bundle(WireModel):
    """What one needs to begin a session with a device."""

    device_id: UUID
    registration_id: int
    identity_key: WireBytes
    signed_prekey: SignedPrekey
    one_time_prekey: Prekey | None = None
    kyber_prekey: KyberPrekey


class Bundles(WireModel):
    """One bundle for each active device."""

    devices: list[Bundle]
