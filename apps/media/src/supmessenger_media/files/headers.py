"""The headers of a download: how a browser may treat what strangers uploaded."""

from typing import Protocol
from urllib.parse import quote

from supmessenger_media.files.content_type import OPAQUE, SAFE_IMAGES

# A file that a browser renders all the same runs no script and reaches nothing.
_CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Described(Protocol):
    """What the headers are computed from."""

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the stored bytes."""

    @property
    def content_type(self) -> str:
        """Media type found at upload."""

    @property
    def encrypted(self) -> bool:
        """Whether the bytes are opaque to the server."""

    @property
    def filename(self) -> str | None:
        """The name the client gave, if any."""


def compute_etag(digest: str) -> str:
    """Return the strong entity tag of bytes with this digest."""
    return f'"{digest}"'


def build_file_headers(file: Described) -> dict[str, str]:
    """Return the headers of a file's own bytes, without those of the range."""
    shown = file.content_type in SAFE_IMAGES and not file.encrypted
    return {
        **_build_safety_headers(),
        "Accept-Ranges": "bytes",
        "Content-Disposition": _build_disposition("inline" if shown else "attachment", file),
        "ETag": compute_etag(file.sha256),
    }


def build_thumbnail_headers(file: Described) -> dict[str, str]:
    """Return the headers of a file's thumbnail."""
    return {
        **_build_safety_headers(),
        "Content-Disposition": "attachment" if file.encrypted else "inline",
        "ETag": compute_etag(f"{file.sha256}-thumbnail"),
    }


def compute_thumbnail_type(file: Described) -> str:
    """Return the media type of a file's thumbnail: ours is WebP, an encrypted one opaque."""
    return OPAQUE if file.encrypted else "image/webp"


def _build_safety_headers() -> dict[str, str]:
    return {
        # Files never change, but who may see them does: a browser asks again each time.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "Cross-Origin-Resource-Policy": "same-site",
        "X-Content-Type-Options": "nosniff",
    }


def _build_disposition(kind: str, file: Described) -> str:
    if not file.filename:
        return kind
    return f"{kind}; filename*=UTF-8''{quote(file.filename, safe='')}"
