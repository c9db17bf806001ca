"""Rows of `media_renditions` as the media service reads them."""

from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from supmessenger_common.database import Pool


class RenditionRepository:
    """Reads what the worker has made."""

    def __init__(self, pool: "Pool") -> None:
        """Use this pool."""
        self._pool = pool

    async def fetch_all(self, file_id: UUID) -> list[asyncpg.Record]:
        """Return the renditions of a file in the order in which they are made."""
        query = "SELECT * FROM media_renditions WHERE file_id = $1 ORDER BY position"
        return await self._pool.fetch(query, file_id)

    async def fetch_done(self, file_id: UUID, name: str) -> asyncpg.Record | None:
        """Return a rendition that can be downloaded."""
        query = (
            "SELECT * FROM media_renditions WHERE file_id = $1 AND name = $2 AND status = 'done'"
        )
        return await self._pool.fetchrow(query, file_id, name)
