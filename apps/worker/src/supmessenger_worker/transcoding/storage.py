"""Brings a video from the media bucket to disk, and renditions back."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from supmessenger_worker.retries import TemporaryJobError
from supmessenger_worker.transcoding.refusal import FileGoneError

# One request brings this much, so that it is over long before its timeout.
_PIECE_BYTES = 4 * 1024 * 1024


class RenditionStorage:
    """The media bucket with the worker's key."""

    def __init__(self, bucket: S3Store) -> None:
        """Use this bucket."""
        self._bucket = bucket

    async def download(
        self, key: str, path: Path, *, size: int, check: Callable[[], Awaitable[None]]
    ) -> None:
        """Write an object of `size` bytes to `path`; `check` is asked before each piece."""
        with path.open("wb") as file:
            for start in range(0, size, _PIECE_BYTES):
                await check()
                end = min(size, start + _PIECE_BYTES)
                piece = await self._read(key, start, end)
                await asyncio.to_thread(file.write, piece)

    async def upload(self, key: str, path: Path) -> bytes:
        """Store a file; returns the SHA-256 of its bytes."""
        digest = await asyncio.to_thread(_compute_digest, path)
        try:
            await obstore.put_async(self._bucket, key, path)
        except BaseError as error:
            raise _build_failure(error) from error
        return digest

    async def delete(self, *keys: str) -> None:
        """Remove objects, as far as they are there."""
        for key in keys:
            try:
                await obstore.delete_async(self._bucket, key)
            except (NotFoundError, FileNotFoundError):
                continue
            except BaseError as error:
                raise _build_failure(error) from error

    async def _read(self, key: str, start: int, end: int) -> bytes:
        try:
            return bytes(await obstore.get_range_async(self._bucket, key, start=start, end=end))
        except (NotFoundError, FileNotFoundError):
            raise FileGoneError(key) from None
        except BaseError as error:
            raise _build_failure(error) from error


def _compute_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _build_failure(error: BaseError) -> TemporaryJobError:
    # The store's own text is pages long.
    return TemporaryJobError(f"the object store failed: {str(error)[:200]}")
