"""Takes the bytes of one file: counts, digests and recognizes them on their way to the store."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from supmessenger_common.errors import PlatformError
from supmessenger_media.files.content_type import (
    OPAQUE,
    SAFE_IMAGES,
    SNIFF_LENGTH,
    compute_content_type,
)
from supmessenger_media.files.storage import ObjectWriter


class Intake:
    """What is known of a file after its last byte."""

    def __init__(
        self, *, limit: int, copy_path: Path | None, copy_limit: int, encrypted: bool
    ) -> None:
        """Refuse more than `limit` bytes; copy a picture of up to `copy_limit` bytes, if at all."""
        self._limit = limit
        self._copy_path = copy_path
        self._copy_limit = copy_limit
        self._encrypted = encrypted
        self._digest = hashlib.sha256()
        self._head = b""
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of all bytes."""
        return self._digest.hexdigest()

    @property
    def content_type(self) -> str:
        """What the first bytes say; encrypted bytes say nothing."""
        return OPAQUE if self._encrypted else compute_content_type(self._head)

    @property
    def picture(self) -> Path | None:
        """The copy on disk, when this is a picture that is small enough to be worked on."""
        if self._copy_path is None or not self._copy_path.exists():
            return None
        return self._copy_path if self.size <= self._copy_limit else None

    async def take(
        self, chunks: AsyncIterator[bytes], writer: ObjectWriter | None, *, aside: bool = False
    ) -> None:
        """Read all chunks; write them to `writer` too, when there is one.

        With `aside` a picture is copied only, and must fit the copy. Raises 413.
        """
        copy: BinaryIO | None = None
        try:
            async for piece in _join_head(chunks):
                if not self._head:
                    self._head = piece[:SNIFF_LENGTH]
                    copy = self._open_copy()
                self.size += len(piece)
                kept_aside = aside and copy is not None
                limit = min(self._limit, self._copy_limit) if kept_aside else self._limit
                if self.size > limit:
                    raise build_too_large(limit)
                self._digest.update(piece)
                if copy is not None and self.size <= self._copy_limit:
                    copy.write(piece)
                if writer is not None and not kept_aside:
                    await writer.write(piece)
        finally:
            if copy is not None:
                copy.close()

    def _open_copy(self) -> BinaryIO | None:
        if self._copy_path is None or self.content_type not in SAFE_IMAGES:
            return None
        return self._copy_path.open("wb")


async def _join_head(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # A client may send the first bytes one by one; what a file is must not depend on that.
    head: bytes | None = b""
    async for chunk in chunks:
        if head is None:
            yield chunk
            continue
        head += chunk
        if len(head) >= SNIFF_LENGTH:
            yield head
            head = None
    if head:
        yield head


def build_too_large(limit: int) -> PlatformError:
    """Return 413 with the limit in bytes."""
    return PlatformError(413, "file_too_large", f"A file may hold at most {limit} bytes.")
