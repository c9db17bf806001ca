"""A small picture made on the spot, so that the smoke conversation ships no file."""

import struct
import zlib


def build_png(*, width: int, height: int) -> bytes:
    """Build an RGB gradient as PNG (ISO/IEC 15948), one filter byte a row."""
    rows = b"".join(
        b"\0"
        + bytes(
            channel
            for x in range(width)
            for channel in (x * 255 // width, y * 255 // height, (x + y) % 256)
        )
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
