"""How a browser may treat a file."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from supmessenger_media.files.headers import (
    build_file_headers,
    build_thumbnail_headers,
    compute_thumbnail_type,
)


@dataclass(frozen=True)
class Described:
    content_type: str = "application/pdf"
    encrypted: bool = False
    filename: str | None = None
    sha256: str = "ab" * 32


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (Described(), "attachment"),
        (Described(filename="ä;\r\n.pdf"), "attachment; filename*=UTF-8''%C3%A4%3B%0D%0A.pdf"),
        (Described("image/png"), "inline"),
        (Described("image/png", filename="a.png"), "inline; filename*=UTF-8''a.png"),
        (Described("image/svg+xml"), "attachment"),
        (Described("image/png", encrypted=True), "attachment"),
    ],
)
def test_only_harmless_pictures_are_shown_in_place(file: Described, expected: str) -> None:
    assert build_file_headers(file)["Content-Disposition"] == expected


def test_every_answer_is_fenced_in() -> None:
    for headers in (build_file_headers(Described()), build_thumbnail_headers(Described())):
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "private, no-cache"


def test_a_file_and_its_thumbnail_have_tags_of_their_own() -> None:
    file, thumbnail = build_file_headers(Described()), build_thumbnail_headers(Described())
    assert file["ETag"] != thumbnail["ETag"]


def test_the_thumbnail_of_an_encrypted_file_is_opaque_too() -> None:
    assert compute_thumbnail_type(Described()) == "image/webp"
    assert compute_thumbnail_type(Described(encrypted=True)) == "application/octet-stream"
