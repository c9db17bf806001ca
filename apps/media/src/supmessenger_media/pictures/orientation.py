"""The one thing in EXIF that a picture cannot do without: which way is up."""

import struct
from typing import Final

EXIF_PREFIX: Final = b"Exif\0\0"
UPRIGHT: Final = 1
_ORIENTATION_TAG: Final = 0x0112
_SHORT: Final = 3
_BYTE_ORDERS: Final = {b"II": "<", b"MM": ">"}


def read_orientation(exif: bytes) -> int:
    """Return the orientation (1 to 8) that EXIF tells; upright when it tells none."""
    tiff = exif.removeprefix(EXIF_PREFIX)
    order = _BYTE_ORDERS.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == _ORIENTATION_TAG and kind == _SHORT:
                return int(value) if UPRIGHT <= value <= 8 else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def build_orientation(orientation: int) -> bytes:
    """Return EXIF that tells the orientation and nothing else."""
    header = b"MM\0*" + struct.pack(">I", 8)
    entry = struct.pack(">HHHIHH", 1, _ORIENTATION_TAG, _SHORT, 1, orientation, 0)
    return EXIF_PREFIX + header + entry + bytes(4)
