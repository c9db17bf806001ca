"""Which bytes a Range header means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_media.files.ranges import (
    ByteRange,
    UnsatisfiableRangeError,
    matches_etag,
    may_use_range,
    parse_range,
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=10-19", ByteRange(10, 20)),
        ("bytes=10-99999999999999999999999", ByteRange(10, 100)),
        ("bytes=-1", ByteRange(99, 100)),
        ("bytes=-1000", ByteRange(0, 100)),
        ("BYTES=0-9", ByteRange(0, 10)),
        ("bytes=0000000000000000000000-9", ByteRange(0, 10)),
        # Malformed, of another unit, or several: the whole file is a right answer (RFC 9110).
        ("bytes=9-0", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=+1-2", None),
        ("lines=0-1", None),
        ("bytes=0-1,5-6", None),
        ("bytes=٣-", None),
    ],
)
def test_a_header_means_these_bytes_of_a_hundred(header: str, expected: ByteRange | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=9999-"])
def test_bytes_behind_the_end_cannot_be_had(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 100)


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_range("bytes=0-0", 0) is None
    assert parse_range("bytes=-5", 0) is None


@given(first=st.integers(0, 10**20), last=st.integers(0, 10**20), size=st.integers(0, 10**12))
def test_an_answer_is_always_inside_the_file(first: int, last: int, size: int) -> None:
    for header in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        try:
            piece = parse_range(header, size)
        except UnsatisfiableRangeError:
            continue
        if piece is not None:
            assert 0 <= piece.start < piece.end <= size


@given(start=st.integers(0, 99), length=st.integers(1, 100))
def test_what_is_inside_is_given_whole(start: int, length: int) -> None:
    end = min(100, start + length)
    assert parse_range(f"bytes={start}-{end - 1}", 100) == ByteRange(start, end)
    assert parse_range(f"bytes=-{length}", 100) == ByteRange(100 - length, 100)


@given(header=st.text(max_size=50))
def test_no_text_breaks_the_parser(header: str) -> None:
    try:
        parse_range(header, 1000)
    except UnsatisfiableRangeError:
        assert header.lower().startswith("bytes=")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_if_none_match_compares_weakly(header: str | None, expected: bool) -> None:
    assert matches_etag(header, '"a"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, True), ('"a"', True), ('W/"a"', False), ("Sun, 22 Nov 2026 10:00:00 GMT", False)],
)
def test_if_range_compares_strongly(header: str | None, expected: bool) -> None:
    assert may_use_range(header, '"a"') is expected
