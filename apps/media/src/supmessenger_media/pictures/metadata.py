"""Takes out of a picture what it tells beside the picture, without touching a pixel.

Camera, place, time, author, editing history and embedded previews leave; what decides how the
picture looks (colours, transparency, animation, orientation) stays. Nothing is decoded: the
formats are sequences of labelled pieces, and pieces nobody needs are left out.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from supmessenger_media.pictures.orientation import (
    EXIF_PREFIX,
    build_orientation,
    read_orientation,
)

Pieces = Iterator[bytes]

# Ends entropy-coded data: a marker that is no stuffed byte, no restart and no filling.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_END, _JPEG_SCAN, _JPEG_EXIF, _JPEG_COMMENT = 0xD9, 0xDA, 0xE1, 0xFE
# Segments of applications that colours depend on.
_JPEG_KEPT: Final = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_PNG_KEPT: Final = frozenset(
    {
        *(b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"bKGD", b"pHYs", b"sBIT"),
        *(b"hIST", b"acTL", b"fcTL", b"fdAT"),
    }
)
_WEBP_KEPT: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_HAS_XMP: Final = 0x04
_GIF_KEPT: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


class BrokenPictureError(ValueError):
    """The pieces of the file do not fit together."""


def strip_metadata(source: Path, result: Path, *, content_type: str) -> None:
    """Write `result` as `source` without metadata; raises BrokenPictureError.

    `content_type` is one of JPEG, PNG, WebP and GIF. The file is mapped, never read as a whole.
    """
    with (
        source.open("rb") as given,
        result.open("wb") as kept,
        mmap.mmap(given.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            for piece in _READERS[content_type](data):
                kept.write(piece)
        except (IndexError, struct.error):
            raise BrokenPictureError("it ends too early") from None


def _read_jpeg(data: mmap.mmap) -> Pieces:
    yield _take(data, 0, 2)
    position = 2
    while True:
        marker = data[position + 1]
        if data[position] != 0xFF:
            raise BrokenPictureError("no marker where one must be")
        if marker == 0xFF:
            position += 1
            continue
        if marker == _JPEG_END:
            # What follows are other pictures, with metadata of their own.
            yield _take(data, position, 2)
            return
        end = position + 2
        if marker not in _JPEG_ALONE:
            end += _unpack(">H", data, end)
        if marker == _JPEG_SCAN:
            found = _JPEG_MARKER.search(data, end)
            if found is None:
                raise BrokenPictureError("it ends too early")
            end = found.start()
        yield _filter_segment(marker, _take(data, position, end - position))
        position = end


def _filter_segment(marker: int, segment: bytes) -> bytes:
    content = segment[4:]
    if marker == _JPEG_EXIF and content.startswith(EXIF_PREFIX):
        orientation = build_orientation(read_orientation(content))
        return struct.pack(">BBH", 0xFF, marker, len(orientation) + 2) + orientation
    of_application = 0xE0 <= marker <= 0xEF
    if marker == _JPEG_COMMENT:
        return b""
    if of_application and not content.startswith(_JPEG_KEPT.get(marker, b"\0nothing")):
        return b""
    return segment


def _read_png(data: mmap.mmap) -> Pieces:
    yield _take(data, 0, 8)
    position = 8
    while True:
        length, kind = _unpack(">I", data, position), _take(data, position + 4, 4)
        end = position + 12 + length
        # The fifth bit of the first letter says that a decoder may do without the chunk.
        if not kind[0] & 0x20 or kind in _PNG_KEPT:
            yield _take(data, position, end - position)
        if kind == b"IEND":
            return
        position = end


def _read_webp(data: mmap.mmap) -> Pieces:
    # The size comes first, and the pieces together may be more than should be held.
    size = 4 + sum(len(chunk) for chunk in _read_webp_chunks(data))
    yield struct.pack("<4sI4s", b"RIFF", size, b"WEBP")
    yield from _read_webp_chunks(data)


def _read_webp_chunks(data: mmap.mmap) -> Pieces:
    end_of_file = min(len(data), 8 + _unpack("<I", data, 4))
    position = 12
    while position < end_of_file:
        length = _unpack("<I", data, position + 4)
        end = position + 8 + length + length % 2
        yield _filter_chunk(_take(data, position, end - position))
        position = end


def _filter_chunk(chunk: bytes) -> bytes:
    kind, content = chunk[:4], chunk[8:]
    if kind == b"VP8X":
        return chunk[:8] + bytes([chunk[8] & ~_WEBP_HAS_XMP]) + chunk[9:]
    if kind == b"EXIF":
        # Kept as a chunk, because VP8X announces it; some programs write the prefix, some don't.
        exif = build_orientation(read_orientation(content))
        exif = exif if content.startswith(EXIF_PREFIX) else exif.removeprefix(EXIF_PREFIX)
        return struct.pack("<4sI", kind, len(exif)) + exif
    return chunk if kind in _WEBP_KEPT else b""


def _read_gif(data: mmap.mmap) -> Pieces:
    position = 13 + _compute_table(data[10])
    yield _take(data, 0, position)
    while True:
        kind = data[position]
        if kind == 0x3B:
            yield b"\x3b"
            return
        if kind == 0x2C:
            blocks = position + 11 + _compute_table(data[position + 9])
        elif kind == 0x21:
            blocks = position + 2
        else:
            raise BrokenPictureError("no block where one must be")
        end = _skip_blocks(data, blocks)
        if kind == 0x2C or _shows_something(data, position):
            yield _take(data, position, end - position)
        position = end


def _compute_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & 0x80 else 0


def _skip_blocks(data: mmap.mmap, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    return position + 1


def _shows_something(data: mmap.mmap, position: int) -> bool:
    label = data[position + 1]
    return label == 0xF9 or (label == 0xFF and data[position + 3 : position + 14] in _GIF_KEPT)


def _take(data: mmap.mmap, start: int, length: int) -> bytes:
    piece = data[start : start + length]
    if len(piece) != length:
        raise BrokenPictureError("it ends too early")
    return piece


def _unpack(layout: str, data: mmap.mmap, position: int) -> int:
    return int(struct.unpack_from(layout, data, position)[0])


_READERS: Final[dict[str, Callable[[mmap.mmap], Pieces]]] = {
    "image/jpeg": _read_jpeg,
    "image/png": _read_png,
    "image/webp": _read_webp,
    "image/gif": _read_gif,
}
