"""What a file is, read from its first bytes: the declared type is never trusted."""

from dataclasses import dataclass

# The longest prefix any rule below looks at.
SNIFF_LENGTH = 512
OPAQUE = "application/octet-stream"

# Pictures every browser shows without running anything; SVG is a program and stays out.
SAFE_IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True)
class _Signature:
    content_type: str
    magic: bytes
    offset: int = 0


# Longer and more specific signatures come first.
_SIGNATURES = (
    _Signature("image/png", b"\x89PNG\r\n\x1a\n"),
    _Signature("image/jpeg", b"\xff\xd8\xff"),
    _Signature("image/gif", b"GIF87a"),
    _Signature("image/gif", b"GIF89a"),
    _Signature("image/avif", b"ftypavif", 4),
    _Signature("image/heic", b"ftypheic", 4),
    _Signature("audio/mp4", b"ftypM4A ", 4),
    _Signature("video/quicktime", b"ftypqt  ", 4),
    _Signature("video/mp4", b"ftyp", 4),
    _Signature("video/webm", b"\x1aE\xdf\xa3"),
    _Signature("audio/ogg", b"OggS"),
    _Signature("audio/flac", b"fLaC"),
    _Signature("audio/mpeg", b"ID3"),
    _Signature("application/pdf", b"%PDF-"),
    _Signature("application/zip", b"PK\x03\x04"),
    _Signature("application/zip", b"PK\x05\x06"),
    _Signature("application/gzip", b"\x1f\x8b\x08"),
)
# RIFF holds several formats; the kind stands behind the length of the file.
_RIFF_KINDS = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}


def compute_content_type(head: bytes) -> str:
    """Return the media type of a file that begins with `head` (SNIFF_LENGTH bytes suffice).

    What is not known is `application/octet-stream`, also text: a browser could take markup
    in it for a page.
    """
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12], OPAQUE)
    for signature in _SIGNATURES:
        if head.startswith(signature.magic, signature.offset):
            return signature.content_type
    return OPAQUE
