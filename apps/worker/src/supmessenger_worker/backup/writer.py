"""Writes an archive as a stream: tar in zstd, hashed on its way."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, Protocol

import zstandard

from supmessenger_worker.backup.manifest import MANIFEST, Manifest, Member, build_json

# Most of the content is ciphertext or pictures: more effort would not make it smaller.
_LEVEL = 3


class Readable(Protocol):
    """What a member's content is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        ...


class _Hashing:
    """Passes reads or writes through and hashes what passes."""

    def __init__(
        self,
        inner: Readable | None = None,
        outer: BinaryIO | None = None,
        before_first_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._inner, self._outer = inner, outer
        self._before_read: Callable[[], None] | None = before_first_read
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        assert self._inner is not None, "made for reading"
        if self._before_read is not None:
            self._before_read()
            self._before_read = None
        chunk = self._inner.read(size)
        self._count(chunk)
        return chunk

    def write(self, chunk: bytes) -> int:
        assert self._outer is not None, "made for writing"
        self._count(chunk)
        return self._outer.write(chunk)

    def flush(self) -> None:
        assert self._outer is not None, "made for writing"
        self._outer.flush()

    def _count(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size += len(chunk)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


class _Frames:
    """The file that tar writes to: compressed, with an end of a frame wherever asked for."""

    def __init__(self, target: _Hashing) -> None:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(target, closefd=False)  # type: ignore[arg-type]  # only write() is called
        self._position = 0

    def write(self, chunk: bytes) -> int:
        self._position += len(chunk)
        self._stream.write(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._position

    def end_frame(self) -> None:
        self._stream.flush(zstandard.FLUSH_FRAME)

    def close(self) -> None:
        self._stream.close()  # type: ignore[no-untyped-call]  # so in its stubs


class ArchiveWriter:
    """Adds members one after the other; `finish` writes the manifest and ends the archive.

    The content of each member is a frame of its own with a checksum, and so is what tar writes
    between them: damage stays in one frame and can be named.
    """

    def __init__(self, target: BinaryIO, *, created_at: datetime) -> None:
        self._target = _Hashing(outer=target)
        self._frames = _Frames(self._target)
        self._tar = tarfile.open(fileobj=self._frames, mode="w", format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115  only write() and tell() are called; finish() closes it
        self._created_at = created_at
        self.members: list[Member] = []

    def add(
        self, name: str, content: Readable, *, size: int, content_type: str | None = None
    ) -> Member:
        """Copy exactly `size` bytes into the archive; OSError when there are fewer."""
        hashing = _Hashing(inner=content, before_first_read=self._frames.end_frame)
        self._append(name, hashing, size=size)
        self._frames.end_frame()
        member = Member(name, size, hashing.hexdigest(), content_type)
        self.members.append(member)
        return member

    def finish(self, manifest: Manifest) -> str:
        """Write the manifest and the end; return the SHA-256 of the whole file, in hex."""
        content = build_json(manifest)
        self._append(MANIFEST, io.BytesIO(content), size=len(content))
        self._tar.close()
        self._frames.close()
        return self._target.hexdigest()

    @property
    def written(self) -> int:
        """Bytes of the file so far."""
        return self._target.size

    def _append(self, name: str, content: Readable, *, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size = size
        info.mode = 0o600
        info.mtime = int(self._created_at.timestamp())
        self._tar.addfile(info, content)
        # tarfile remembers every member it wrote; with millions of objects that is memory.
        self._tar.members.clear()
