"""Objects of the media bucket: written and read in pieces."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from supmessenger_common.errors import build_unavailable
from supmessenger_common.log import get_logger
from supmessenger_common.objects import probe_bucket
from supmessenger_media.files.ranges import ByteRange

# The smallest part S3 allows; each upload holds at most this and one part under way.
PART_BYTES = 5 * 1024 * 1024
# One request brings this much, so that it is over long before its timeout however slowly the
# client takes it; each download holds at most one such piece.
_READ_BYTES = 1024 * 1024
_log = get_logger("storage")


class ObjectWriter:
    """One object being written; it exists only after `finish`."""

    def __init__(self, store: S3Store, key: str) -> None:
        """Prepare to write `key`."""
        self._writer = obstore.open_writer_async(
            store, key, buffer_size=PART_BYTES, max_concurrency=1
        )

    async def write(self, chunk: bytes) -> None:
        """Add bytes; waits while the store is slower than the client."""
        with _store_errors():
            await self._writer.write(chunk)

    async def finish(self) -> None:
        """Make the object complete and visible."""
        with _store_errors():
            await self._writer.close()


class MediaStorage:
    """The media bucket of the instance."""

    def __init__(self, store: S3Store) -> None:
        """Use this bucket."""
        self._store = store

    def open_writer(self, key: str) -> ObjectWriter:
        """Begin an object. A writer that is dropped leaves no object; the parts it had sent
        are removed by the store's own rule for incomplete uploads.
        """
        return ObjectWriter(self._store, key)

    async def put(self, key: str, content: bytes | Path) -> None:
        """Store a whole small object."""
        with _store_errors():
            await obstore.put_async(self._store, key, content)

    async def read(self, key: str) -> bytes:
        """Return a whole small object."""
        with _store_errors():
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def open_reader(self, key: str, piece: ByteRange) -> AsyncIterator[bytes]:
        """Begin to read a range of an object; what is missing is told before the first byte."""
        return self._stream(key, piece, await self._read_range(key, piece))

    async def probe(self) -> None:
        """Raise unless the bucket can be listed."""
        await probe_bucket(self._store)

    async def _stream(self, key: str, piece: ByteRange, first: bytes) -> AsyncIterator[bytes]:
        yield first
        position = piece.start + len(first)
        while position < piece.end:
            chunk = await self._read_range(key, ByteRange(position, piece.end))
            yield chunk
            position += len(chunk)

    async def _read_range(self, key: str, piece: ByteRange) -> bytes:
        end = min(piece.end, piece.start + _READ_BYTES)
        with _store_errors():
            content = await obstore.get_range_async(self._store, key, start=piece.start, end=end)
        if len(content) != end - piece.start:
            _log.error("object is shorter than its row says", key=key)
            raise build_unavailable()
        return bytes(content)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    # The client library tells a missing object with Python's own error.
    except (BaseError, FileNotFoundError) as error:
        # Its text holds the whole HTTP exchange: too much for a client, right for the log.
        _log.error("object store failed", error=str(error)[:1000])
        raise build_unavailable() from error
