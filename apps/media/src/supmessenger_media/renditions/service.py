"""Shows the renditions of a file to whoever may see the file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from supmessenger_common.errors import PlatformError
from supmessenger_media.files.ranges import ByteRange
from supmessenger_media.files.storage import MediaStorage
from supmessenger_media.renditions.repository import RenditionRepository


@dataclass(frozen=True, slots=True)
class StoredRendition:
    """A rendition's bytes; the same words as of a file, for the same headers."""

    object_key: str
    content_type: str
    size: int
    sha256: str
    filename: str | None = None
    encrypted: bool = False


class RenditionService:
    """Renditions; access to their file was judged before."""

    def __init__(self, repository: RenditionRepository, storage: MediaStorage) -> None:
        """Work with these."""
        self._repository = repository
        self._storage = storage

    async def list(self, file_id: UUID) -> list[asyncpg.Record]:
        """Return the rows of a file's renditions."""
        return await self._repository.fetch_all(file_id)

    async def fetch(self, file_id: UUID, name: str) -> StoredRendition:
        """Return a rendition that is done; raises 404 `no_rendition`."""
        row = await self._repository.fetch_done(file_id, name)
        if row is None:
            raise PlatformError(404, "no_rendition", "There is no such rendition, or not yet.")
        return StoredRendition(
            object_key=row["object_key"],
            content_type=row["content_type"],
            size=row["size"],
            sha256=row["sha256"].hex(),
        )

    async def open_content(
        self, rendition: StoredRendition, piece: ByteRange | None
    ) -> AsyncIterator[bytes]:
        """Begin to read a rendition or a piece of it."""
        whole = ByteRange(0, rendition.size)
        return await self._storage.open_reader(rendition.object_key, piece or whole)
