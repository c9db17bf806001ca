"""Reads a multipart form while it arrives; nothing of a file is kept here."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from multipart import (  # type: ignore[import-untyped]  # the package ships no types
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from supmessenger_common.errors import PlatformError

# Longest silence of a client in the middle of an upload.
IDLE_SECONDS = 60.0
_FIELD_LIMIT = 1024
_MOST_PARTS = 8
_FILE_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Field:
    """A plain field of the form."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of the form; `chunks` must be read to its end before the next part."""

    name: str
    filename: str | None
    chunks: AsyncIterator[bytes]


Part = Field | FilePart
# A MultipartSegment (a part begins), bytes of it, or None (it ends).
_Event: TypeAlias = Any


def parse_boundary(content_type: str) -> str:
    """Return the boundary of a form; raises 415 when the body is none."""
    kind, options = parse_options_header(content_type)
    boundary = str(options.get("boundary", ""))
    if kind != "multipart/form-data" or not boundary:
        raise PlatformError(
            415, "unsupported_media_type", "Send a form of the type multipart/form-data."
        )
    return boundary


async def read_parts(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Part]:
    """Yield the parts of a form as they arrive; raises 400 or 408 when the form is cut."""
    events = _read_events(body, boundary)
    async for event in events:
        if not isinstance(event, MultipartSegment):
            continue
        if event.filename is None:
            yield Field(event.name or "", await _read_field(events, event.name or ""))
        else:
            name = _clean_file_name(event.filename)
            yield FilePart(event.name or "", name or None, _read_chunks(events))


def _clean_file_name(given: str) -> str:
    name = given.replace("\\", "/").rpartition("/")[2]
    # No name needs control characters, and the database refuses NUL.
    plain = "".join(character for character in name if unicodedata.category(character) != "Cc")
    return plain[:_FILE_NAME_LENGTH]


async def _read_field(events: AsyncIterator[_Event], name: str) -> str:
    value = bytearray()
    async for chunk in _read_chunks(events):
        value += chunk
        if len(value) > _FIELD_LIMIT:
            raise _build_malformed(f"The field {name} is longer than {_FIELD_LIMIT} bytes.")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _build_malformed(f"The field {name} is not UTF-8.") from None


async def _read_chunks(events: AsyncIterator[_Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            return
        assert isinstance(event, bytes | bytearray), "a part begins only after the last one's end"
        yield bytes(event)


async def _read_events(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[_Event]:
    try:
        parser = PushMultipartParser(boundary, max_segment_count=_MOST_PARTS)
        async for chunk in _limit_silence(body):
            if not chunk:
                continue
            for event in parser.parse(chunk):
                yield event
        parser.close()
    except (MultipartError, ValueError) as error:
        raise _build_malformed(f"The form cannot be read: {error}.") from error


async def _limit_silence(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            detail = f"Nothing arrived for {IDLE_SECONDS:g} s."
            raise PlatformError(408, "upload_stalled", detail) from None
        yield chunk


def _build_malformed(detail: str) -> PlatformError:
    return PlatformError(400, "malformed_form", detail)
