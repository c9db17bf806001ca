"""A browser as push services see it: a subscription, and what only it can read."""

import secrets
from typing import Any

import http_ece  # type: ignore[import-untyped]  # it ships no types
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supmessenger_cli.wire import encode_bytes

_SECRET_BYTES = 16


class Browser:
    """One subscription's secrets (RFC 8291)."""

    def __init__(self) -> None:
        """Make fresh keys."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._secret = secrets.token_bytes(_SECRET_BYTES)

    def build_subscription(self, endpoint: str) -> dict[str, Any]:
        """Return what the browser tells the server."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": encode_bytes(point), "auth": encode_bytes(self._secret)}
        return {"endpoint": endpoint, "keys": keys}

    def decrypt(self, body: bytes) -> bytes:
        """Return what a push message says."""
        content: bytes = http_ece.decrypt(
            body, private_key=self._key, auth_secret=self._secret, version="aes128gcm"
        )
        return content
