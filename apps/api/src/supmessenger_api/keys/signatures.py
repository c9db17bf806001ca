"""Public keys in libsignal's serialization, and XEdDSA signatures over them."""

import xeddsa

CURVE_PREFIX = 0x05
CURVE_LENGTH = 33
KYBER_PREFIX = 0x08
KYBER_LENGTH = 1569
SIGNATURE_LENGTH = 64
_SIGN_BIT = 0x80


def find_curve_key_fault(key: bytes) -> str | None:
    """Return what is wrong with a serialized Curve25519 key, or None."""
    return _find_fault(key, prefix=CURVE_PREFIX, length=CURVE_LENGTH)


def find_kyber_key_fault(key: bytes) -> str | None:
    """Return what is wrong with a serialized Kyber-1024 key, or None."""
    return _find_fault(key, prefix=KYBER_PREFIX, length=KYBER_LENGTH)


def _find_fault(key: bytes, *, prefix: int, length: int) -> str | None:
    if len(key) != length:
        return f"must have {length} bytes, not {len(key)}"
    if key[0] != prefix:
        return f"must begin with 0x{prefix:02x}"
    if not any(key[1:]):
        return "must not be all zeros"
    return None


def is_signed_by(identity_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether the XEdDSA signature over `message` is the identity key's.

    libsignal keeps the sign of the Edwards point in the signature's last bit, because the
    Montgomery form of the key has lost it.
    """
    if len(signature) != SIGNATURE_LENGTH or find_curve_key_fault(identity_key) is not None:
        return False
    negative = bool(signature[-1] & _SIGN_BIT)
    plain = signature[:-1] + bytes([signature[-1] & ~_SIGN_BIT])
    edwards = xeddsa.curve25519_pub_to_ed25519_pub(identity_key[1:], negative)
    return bool(xeddsa.ed25519_verify(plain, edwards, message))
