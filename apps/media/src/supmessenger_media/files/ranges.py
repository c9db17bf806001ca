"""Byte ranges and preconditions of a download (RFC 9110, sections 13 and 14)."""

import re
from dataclasses import dataclass

_SINGLE_RANGE = re.compile(r"^bytes=\s*([0-9]*)-([0-9]*)\s*$", re.IGNORECASE)
# A position of more digits than any size we store is beyond the end anyway, and int() of a
# very long text is slow.
_MOST_DIGITS = 18


class UnsatisfiableRangeError(ValueError):
    """The range lies wholly behind the end of the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range in bytes; `start` is included, `end` is not."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes in the range."""
        return self.end - self.start


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """Return the range asked for, or None when the whole file is the right answer.

    A malformed header, an unknown unit and several ranges are ignored, as RFC 9110 allows.
    Raises UnsatisfiableRangeError when nothing of the range is inside the file.
    """
    match = _SINGLE_RANGE.match(header or "")
    if match is None or size == 0:
        return None
    first, last = match.groups()
    if not first:
        return _parse_suffix(last, size)
    start = _parse_position(first)
    end = _parse_position(last) + 1 if last else size
    if last and end <= start:
        return None
    if start >= size:
        raise UnsatisfiableRangeError(header)
    return ByteRange(start, min(end, size))


def _parse_suffix(length: str, size: int) -> ByteRange | None:
    if not length:
        return None
    wanted = _parse_position(length)
    if wanted == 0:
        raise UnsatisfiableRangeError(f"bytes=-{length}")
    return ByteRange(max(0, size - wanted), size)


def _parse_position(digits: str) -> int:
    stripped = digits.lstrip("0")
    return int(stripped or "0") if len(stripped) <= _MOST_DIGITS else 10**_MOST_DIGITS


def matches_etag(header: str | None, etag: str) -> bool:
    """Tell whether an If-None-Match header names this strong entity tag."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


def may_use_range(if_range: str | None, etag: str) -> bool:
    """Tell whether an If-Range header allows a partial answer.

    Only the strong tag does: files never change, so a date says nothing the tag does not.
    """
    return if_range is None or if_range.strip() == etag
