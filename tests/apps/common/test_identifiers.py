"""Identifiers, times and bytes on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_common.identifiers import create_id, decode_bytes, encode_bytes, format_time


@given(st.binary(max_size=200))
def test_bytes_survive_their_text(value: bytes) -> None:
    text = encode_bytes(value)
    assert decode_bytes(text) == value
    assert not set(text) & set("+/=")


@pytest.mark.parametrize("text", ["A", "AA==", "AB", "A+/A", "AA AA", "é", "AAAA\n"])
def test_only_one_text_stands_for_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="base64url without padding"):
        decode_bytes(text)


def test_times_are_utc_with_milliseconds() -> None:
    cest = timezone(timedelta(hours=2))
    assert format_time(datetime(2026, 1, 31, 14, 0, 0, 123999, cest)) == "2026-01-31T12:00:00.123Z"
    assert format_time(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00.000Z"


def test_ids_are_ordered_by_time() -> None:
    ids = [create_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert {item.version for item in ids} == {7}
