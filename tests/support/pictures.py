"""Pictures made for tests."""

from __future__ import annotations

import struct
import zlib

import pyvips

RED, BLUE = [220, 30, 30], [30, 30, 220]


def draw(width: int, height: int) -> pyvips.Image:
    """Return a picture whose left half is red and whose right half is blue."""
    left = (pyvips.Image.black(width // 2, height, bands=3) + RED).cast("uchar")
    right = (pyvips.Image.black(width - width // 2, height, bands=3) + BLUE).cast("uchar")
    return left.join(right, "horizontal").copy(interpretation="srgb")


def is_red(picture: pyvips.Image, x: int, y: int) -> bool:
    pixel = picture(x, y)
    return bool(pixel[0] > 150 and pixel[2] < 100)


def build_bomb(width: int, height: int) -> bytes:
    """Return a small PNG that claims to be huge and would unpack to that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
