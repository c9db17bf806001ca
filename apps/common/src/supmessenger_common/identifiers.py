"""Identifiers, times and bytes as the wire shows them."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def create_id() -> UUID:
    """Return a new UUIDv7: ordered by time, so indexes grow at their end."""
    return uuid7()


def read_clock() -> datetime:
    """Return the current time in UTC; pass it on instead of reading it again."""
    return datetime.now(UTC)


def format_time(value: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds, as in `2026-01-31T12:00:00.123Z`."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def encode_bytes(value: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_bytes(text: str) -> bytes:
    """Read base64url without padding; raises ValueError for anything else."""
    try:
        raw = text.encode("ascii")
        value = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("must be base64url without padding") from None
    if encode_bytes(value) != text:
        # One value has one text: the last character carries no stray bits.
        raise ValueError("must be base64url without padding")
    return value
