"""Push tokens at rest: encrypted with the instance's key, each for the device it belongs to."""

import hashlib
import hmac
import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"supmessenger push token"


class UnsealError(Exception):
    """The stored bytes were not sealed with this key for this device."""


class TokenSeal:
    """Seals and opens tokens with keys derived from `encryption-key`."""

    def __init__(self, encryption_key: bytes) -> None:
        """Derive one key to encrypt and one to hash, for this purpose alone."""
        self._cipher = AESGCM(_derive(encryption_key, b"seal"))
        self._hash_key = _derive(encryption_key, b"hash")

    def seal(self, token: str, *, device_id: UUID) -> bytes:
        """Return the token encrypted: version, nonce, AES-256-GCM; the device is authenticated."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, token.encode(), device_id.bytes)

    def open(self, sealed: bytes, *, device_id: UUID) -> str:
        """Return the token; raises UnsealError when key or device are others."""
        nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise UnsealError("unknown format")
        try:
            return self._cipher.decrypt(nonce, content, device_id.bytes).decode()
        except InvalidTag:
            raise UnsealError("another key or another device") from None

    def compute_hash(self, provider: str, token: str) -> bytes:
        """Return what tells equal tokens without telling the token (32 bytes)."""
        return hmac.digest(self._hash_key, f"{provider}:{token}".encode(), hashlib.sha256)

    def compute_topic(self, chat_id: UUID, *, device_id: UUID) -> bytes:
        """Return a chat's name towards a provider: it tells neither chat nor who shares it."""
        message = b"topic" + device_id.bytes + chat_id.bytes
        return hmac.digest(self._hash_key, message, hashlib.sha256)[:16]


def _derive(key: bytes, part: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + b"/" + part, hashlib.sha256)
