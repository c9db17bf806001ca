"""Objects of the media bucket: written and read in pieces."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from supmessenger_common.errors import build_unavailable
from supmessenger_common.log import get_logger
from supmessenger_common.objects import probe_bucket
from supmessenger_media.files.ranges import ByteRange

if TYPE_CHECKING:
    from obstore import GetResult

# The smallest part S3 allows; each upload holds at most this and one part under way.
PART_BYTES = 5 * 1024 * 1024
_READ_BYTES = 256 * 1024
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

    async def open_reader(self, key: str, piece: ByteRange | None) -> AsyncIterator[bytes]:
        """Begin to read an object or a piece of it; fails before the first byte, if at all."""
        with _store_errors():
            result = await obstore.get_async(
                self._store,
                key,
                options={"range": (piece.start, piece.end)} if piece else {},
            )
        return _stream(result)

    async def probe(self) -> None:
        """Raise unless the bucket can be listed."""
        await probe_bucket(self._store)


async def _stream(result: "GetResult") -> AsyncIterator[bytes]:
    async for chunk in result.stream(min_chunk_size=_READ_BYTES):
        yield bytes(chunk)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except BaseError as error:
        # Its text holds the whole HTTP exchange: too much for a client, right for the log.
        _log.error("object store failed", error=str(error)[:1000])
        raise build_unavailable() from error
