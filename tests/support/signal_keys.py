"""Keys as a libsignal device makes them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import xeddsa

from supmessenger_common.identifiers import encode_bytes

KYBER_BYTES = 1568


@dataclass(frozen=True)
class Identity:
    """An identity key pair."""

    private: bytes

    @classmethod
    def create(cls) -> Identity:
        """Make a new one."""
        return cls(secrets.token_bytes(32))

    @property
    def public(self) -> bytes:
        """The public key in libsignal's serialization."""
        return b"\x05" + xeddsa.priv_to_curve25519_pub(self.private)

    def sign(self, message: bytes, *, negative: bool = False) -> bytes:
        """Sign as XEdDSA does; `negative` as libsignal does with the other sign of the point."""
        scalar = xeddsa.priv_force_sign(self.private, negative)
        signature = xeddsa.ed25519_priv_sign(scalar, message, secrets.token_bytes(64))
        return signature[:-1] + bytes([signature[-1] | (0x80 if negative else 0)])


def build_curve_key() -> bytes:
    """Return a serialized Curve25519 public key."""
    return b"\x05" + xeddsa.priv_to_curve25519_pub(secrets.token_bytes(32))


def build_kyber_key() -> bytes:
    """Return bytes as long as a serialized Kyber-1024 public key."""
    return b"\x08" + secrets.token_bytes(KYBER_BYTES)


def build_signed(number: int, key: bytes, identity: Identity) -> dict[str, Any]:
    """Return a signed prekey as the API takes it."""
    return {
        "id": number,
        "publicKey": encode_bytes(key),
        "signature": encode_bytes(identity.sign(key)),
    }


def build_keys(identity: Identity, *, one_time: int = 3, kyber: int = 2) -> dict[str, Any]:
    """Return the body of `PUT /v1/keys`."""
    return {
        "identityKey": encode_bytes(identity.public),
        "signedPrekey": build_signed(1, build_curve_key(), identity),
        "lastResortKyberPrekey": build_signed(100_000, build_kyber_key(), identity),
        "oneTimePrekeys": [
            {"id": number, "publicKey": encode_bytes(build_curve_key())}
            for number in range(1, one_time + 1)
        ],
        "kyberPrekeys": [
            build_signed(number, build_kyber_key(), identity) for number in range(1, kyber + 1)
        ],
    }
