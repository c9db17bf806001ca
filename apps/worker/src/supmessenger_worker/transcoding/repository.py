"""Rows of `media_renditions`: what is to be made, how far it is, and where it is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from supmessenger_common.outbox import enqueue_job
from supmessenger_worker.transcoding.ladder import BY_NAME, POSTER, Rendition
from supmessenger_worker.transcoding.probe import Video

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection, Pool

TRANSCODE: Final = "media.transcode"
_ERROR_LENGTH: Final = 300

_FETCH = """
SELECT f.object_key, f.size, f.content_type FROM media_files f
WHERE f.id = $1 AND f.status = 'ready' AND NOT f.encrypted
"""
_NEXT = """
UPDATE media_renditions SET status = 'running', progress = 0
WHERE file_id = $1 AND name = (
    SELECT name FROM media_renditions
    WHERE file_id = $1 AND status IN ('queued', 'running') ORDER BY position LIMIT 1)
RETURNING name, object_key
"""
_COMPLETE = """
UPDATE media_renditions SET status = 'done', progress = 100, content_type = $3, size = $4,
    sha256 = $5, width = $6, height = $7
WHERE file_id = $1 AND name = $2 AND status <> 'failed' RETURNING name
"""
_DESCRIBE = """
UPDATE media_files SET width = $2, height = $3, duration_ms = $4, thumbnail_object_key = $5
WHERE id = $1
"""
_PENDING = """
SELECT EXISTS (SELECT FROM media_renditions WHERE file_id = $1 AND status IN ('queued', 'running'))
"""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An upload to be converted."""

    object_key: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Task:
    """The rendition whose turn it is, and where it will be stored."""

    rendition: Rendition
    object_key: str


@dataclass(frozen=True, slots=True)
class Product:
    """A stored rendition."""

    size: int
    sha256: bytes
    width: int
    height: int


class RenditionRepository:
    """The only place in the worker that knows the table."""

    def __init__(self, pool: "Pool") -> None:
        """Use this pool."""
        self._pool = pool

    async def fetch_source(self, file_id: UUID) -> SourceFile | None:
        """Return a file that may be converted; None when it is gone or opaque."""
        row = await self._pool.fetchrow(_FETCH, file_id)
        return SourceFile(**row) if row else None

    async def begin_next(self, file_id: UUID) -> Task | None:
        """Mark the first rendition that is not made yet as being made; None when all are."""
        row = await self._pool.fetchrow(_NEXT, file_id)
        return Task(BY_NAME[row["name"]], row["object_key"]) if row else None

    async def drop(self, file_id: UUID, names: tuple[str, ...]) -> None:
        """Forget renditions that will not be made, as they would repeat others."""
        query = "DELETE FROM media_renditions WHERE file_id = $1 AND name = ANY($2::text[])"
        await self._pool.execute(query, file_id, list(names))

    async def report(self, file_id: UUID, name: str, percent: int) -> bool:
        """Write how far a rendition is; False when the file was deleted meanwhile."""
        query = (
            "UPDATE media_renditions SET progress = $3"
            " WHERE file_id = $1 AND name = $2 AND status = 'running' RETURNING name"
        )
        return await self._pool.fetchval(query, file_id, name, percent) is not None

    async def complete(
        self, file_id: UUID, task: Task, product: Product, *, video: Video, thumbnail: str | None
    ) -> bool:
        """Show a rendition that is stored; False when the file was deleted meanwhile."""
        name = task.rendition.name
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.fetchval(
                _COMPLETE,
                file_id,
                name,
                task.rendition.content_type,
                product.size,
                product.sha256,
                product.width,
                product.height,
            )
            if done is not None and name == POSTER:
                await _describe(connection, file_id, video=video, thumbnail=thumbnail)
        return done is not None

    async def put_back(self, file_id: UUID) -> None:
        """Let what was being made wait for its next attempt."""
        query = (
            "UPDATE media_renditions SET status = 'queued', progress = 0"
            " WHERE file_id = $1 AND status = 'running'"
        )
        await self._pool.execute(query, file_id)

    async def fail(self, file_id: UUID, error: str) -> None:
        """Give up whatever is not made yet, and say why."""
        query = (
            "UPDATE media_renditions SET status = 'failed', error = $2"
            " WHERE file_id = $1 AND status IN ('queued', 'running')"
        )
        await self._pool.execute(query, file_id, error[:_ERROR_LENGTH])

    async def enqueue_rest(self, file_id: UUID, *, now: datetime) -> None:
        """Leave a job for what is not made yet, if anything is left."""
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_PENDING, file_id):
                await enqueue_job(connection, TRANSCODE, {"fileId": str(file_id)}, now=now)


async def _describe(
    connection: "AnyConnection", file_id: UUID, *, video: Video, thumbnail: str | None
) -> None:
    length = None if video.duration is None else round(video.duration * 1000)
    await connection.execute(_DESCRIBE, file_id, video.width, video.height, length, thumbnail)
