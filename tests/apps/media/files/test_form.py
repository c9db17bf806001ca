"""Reading a multipart form while it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_common.errors import PlatformError
from supmessenger_media.files.form import Field, parse_boundary, read_parts

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\navatar\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="..\\..\\x/y.png"\r\n'
    b"Content-Type: image/png\r\n\r\nline\r\n--other\r\n"
    b"--b--\r\n"
)


async def read_all(pieces: list[bytes]) -> list[tuple[str, object]]:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    found: list[tuple[str, object]] = []
    async for part in read_parts(body(), "b"):
        if isinstance(part, Field):
            found.append((part.name, part.value))
        else:
            found.append((part.name, part.filename))
            found.append((part.name, b"".join([chunk async for chunk in part.chunks])))
    return found


@given(cuts=st.lists(st.integers(0, len(FORM)), max_size=6))
async def test_a_form_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(FORM)]
    pieces = [FORM[a:b] for a, b in pairwise(edges)]
    assert await read_all(pieces) == [
        ("purpose", "avatar"),
        ("file", "y.png"),
        ("file", b"line\r\n--other"),
    ]


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"nothing of the kind",
        FORM[:-10],
        b'--b\r\nContent-Disposition: form-data; name="p"\r\n\r\n' + b"x" * 2000 + b"\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="p"\r\n\r\n\xff\r\n--b--\r\n',
        b"".join([b'--b\r\nContent-Disposition: form-data; name="p"\r\n\r\nx\r\n'] * 9) + b"--b--",
    ],
    ids=["empty", "no form", "cut", "long field", "no text", "too many parts"],
)
async def test_a_malformed_form_is_refused(form: bytes) -> None:
    with pytest.raises(PlatformError) as caught:
        await read_all([form])
    assert (caught.value.status, caught.value.code) == (400, "malformed_form")


@pytest.mark.parametrize(("given", "kept"), [(b"a\0b\x1f.png", "ab.png"), (b"\0", None)])
async def test_a_file_name_is_kept_without_control_characters(
    given: bytes, kept: str | None
) -> None:
    form = FORM.replace(b"..\\..\\x/y.png", given)
    assert ("file", kept) in await read_all([form])


@pytest.mark.parametrize("header", ["", "application/json", "multipart/form-data", "multipart/x;a"])
def test_only_a_form_is_read(header: str) -> None:
    with pytest.raises(PlatformError) as caught:
        parse_boundary(header)
    assert caught.value.status == 415


def test_the_boundary_may_be_quoted() -> None:
    assert parse_boundary('multipart/form-data; boundary="a b"') == "a b"
