"""What the first bytes of a file say."""

from __future__ import annotations

import pytest

from supmessenger_media.files.content_type import OPAQUE, SAFE_IMAGES, compute_content_type


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"\xff\xd8\xff\xe1", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\x00\x00\x00NONE", OPAQUE),
        (b"\x00\x00\x00\x20ftypavif", "image/avif"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"OggS", "audio/ogg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"", OPAQUE),
        (b"\x89PN", OPAQUE),
        (b"hello", OPAQUE),
        (b"<html><script>alert(1)</script>", OPAQUE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", OPAQUE),
        (b"<?xml version='1.0'?><svg>", OPAQUE),
        (b"#!/bin/sh", OPAQUE),
    ],
)
def test_the_first_bytes_say(head: bytes, expected: str) -> None:
    assert compute_content_type(head) == expected


def test_nothing_a_browser_could_run_is_shown_as_an_image() -> None:
    assert {"image/jpeg", "image/png", "image/webp", "image/gif"} == SAFE_IMAGES
