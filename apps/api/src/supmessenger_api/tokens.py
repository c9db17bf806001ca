"""Opaque one-time secrets: 32 random bytes outside, a keyed hash inside."""

import hashlib
import hmac
import secrets

from supmessenger_common.identifiers import decode_bytes, encode_bytes

TOKEN_BYTES = 32


def create_token() -> str:
    """Return a new token as the client gets it."""
    return encode_bytes(secrets.token_bytes(TOKEN_BYTES))


def compute_token_hash(key: bytes, token: str) -> bytes | None:
    """Return what the database keeps of a token; None when it can't be one of ours."""
    try:
        value = decode_bytes(token)
    except ValueError:
        return None
    if len(value) != TOKEN_BYTES:
        return None
    return hmac.digest(key, value, hashlib.sha256)
