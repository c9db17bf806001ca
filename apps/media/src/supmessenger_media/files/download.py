"""Answers of a download: whole, a range, only the headers, or not modified."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from fastapi import Response
from starlette.responses import StreamingResponse

from supmessenger_common.errors import PlatformError
from supmessenger_media.files.headers import Described, build_file_headers, compute_etag
from supmessenger_media.files.ranges import (
    ByteRange,
    UnsatisfiableRangeError,
    matches_etag,
    may_use_range,
    parse_range,
)


class Downloadable(Described, Protocol):
    """Something with bytes and headers."""

    @property
    def size(self) -> int:
        """Number of bytes."""


OpenContent = Callable[[ByteRange | None], Awaitable[AsyncIterator[bytes]]]


def build_not_modified(item: Downloadable, if_none_match: str | None) -> Response | None:
    """Return 304 when the client has these bytes."""
    if not matches_etag(if_none_match, compute_etag(item.sha256)):
        return None
    return Response(status_code=304, headers=build_file_headers(item))


def build_head(item: Downloadable) -> Response:
    """Return the headers of the whole."""
    headers = {**build_file_headers(item), **_build_length_headers(item, None)}
    return Response(media_type=item.content_type, headers=headers)


async def stream_content(
    item: Downloadable,
    open_content: OpenContent,
    *,
    range_header: str | None,
    if_range: str | None,
) -> Response:
    """Return the bytes, or the range that was asked for; raises 416."""
    try:
        allowed = may_use_range(if_range, compute_etag(item.sha256))
        piece = parse_range(range_header, item.size) if allowed else None
    except UnsatisfiableRangeError:
        raise PlatformError(
            416,
            "range_not_satisfiable",
            f"The file has {item.size} bytes.",
            headers={"Content-Range": f"bytes */{item.size}"},
        ) from None
    content = await open_content(piece) if item.size else _read_nothing()
    return StreamingResponse(
        content,
        status_code=206 if piece else 200,
        media_type=item.content_type,
        headers={**build_file_headers(item), **_build_length_headers(item, piece)},
    )


async def _read_nothing() -> AsyncIterator[bytes]:
    yield b""


def _build_length_headers(item: Downloadable, piece: ByteRange | None) -> dict[str, str]:
    if piece is None:
        return {"Content-Length": str(item.size)}
    return {
        "Content-Length": str(piece.length),
        "Content-Range": f"bytes {piece.start}-{piece.end - 1}/{item.size}",
    }
