"""Rows of `media_files`: written before the first byte is stored, shown after the last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from supmessenger_common.outbox import enqueue_job
from supmessenger_media.files.schemas import Purpose, UploadOrder

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection, Pool

DELETE_JOB: Final = "media.delete"
TRANSCODE_JOB: Final = "media.transcode"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is complete."""

    id: UUID
    owner_id: UUID | None
    chat_id: UUID | None
    purpose: Purpose
    object_key: str
    thumbnail_object_key: str | None
    size: int
    sha256: str
    content_type: str
    filename: str | None
    encrypted: bool
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class ObjectKeys:
    """Where the objects of a file are stored."""

    file_id: UUID

    @property
    def file(self) -> str:
        """Key of the file's own bytes."""
        return f"files/{self.file_id}"

    @property
    def thumbnail(self) -> str:
        """Key of its thumbnail, when it has one."""
        return f"thumbnails/{self.file_id}"


_COMPLETE: Final = """
UPDATE media_files SET status = 'ready', size = $2, sha256 = $3, content_type = $4,
    file_name = $5, width = $6, height = $7, thumbnail_object_key = $8
WHERE id = $1 AND status = 'uploading' RETURNING id
"""
_QUEUE: Final = """
INSERT INTO media_renditions (file_id, name, object_key, position)
SELECT $1, * FROM unnest($2::text[], $3::text[]) WITH ORDINALITY
"""
# What the rows of renditions say is read before they go with the file's.
_DELETE: Final = """
DELETE FROM media_files f WHERE id = $1
RETURNING object_key, thumbnail_object_key,
    ARRAY(SELECT object_key FROM media_renditions WHERE file_id = f.id) AS rendition_keys
"""


def build_rendition_key(file_id: UUID, name: str) -> str:
    """Return where a rendition of a file will be stored."""
    return f"renditions/{file_id}/{name}"


class FileInUseError(Exception):
    """Something else still shows the file."""


class FileRepository:
    """The only place that knows the table."""

    def __init__(self, pool: "Pool") -> None:
        """Use this pool; every method takes one connection for a short time."""
        self._pool = pool

    async def is_member(self, *, chat_id: UUID, user_id: UUID) -> bool:
        """Tell whether a user takes part in a chat."""
        query = "SELECT EXISTS (SELECT 1 FROM chat_members WHERE chat_id = $1 AND user_id = $2)"
        return bool(await self._pool.fetchval(query, chat_id, user_id))

    async def begin(self, order: UploadOrder, *, keys: ObjectKeys, owner_id: UUID) -> None:
        """Write the row of an upload that begins; nobody is shown it yet."""
        await self._pool.execute(
            """
            INSERT INTO media_files
                (id, owner_id, chat_id, purpose, encrypted, object_key, thumbnail_object_key)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            keys.file_id,
            owner_id,
            order.chat_id,
            order.purpose,
            order.encrypted,
            keys.file,
            keys.thumbnail,
        )

    async def complete(self, file: StoredFile, *, renditions: Sequence[str], now: datetime) -> bool:
        """Show a file whose objects are stored; False when the upload was given up meanwhile.

        `renditions`, if any, are queued in the same transaction.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchval(
                _COMPLETE,
                file.id,
                file.size,
                bytes.fromhex(file.sha256),
                file.content_type,
                file.filename,
                file.width,
                file.height,
                file.thumbnail_object_key,
            )
            if row is not None and renditions:
                names = list(renditions)
                keys = [build_rendition_key(file.id, name) for name in names]
                await connection.execute(_QUEUE, file.id, names, keys)
                await enqueue_job(connection, TRANSCODE_JOB, {"fileId": str(file.id)}, now=now)
        return row is not None

    async def fetch_visible(self, file_id: UUID, *, user_id: UUID) -> StoredFile | None:
        """Return a file this user may see: the owner's own, a chat's to its members, avatars."""
        row = await self._pool.fetchrow(
            """
            SELECT f.* FROM media_files f
            WHERE f.id = $1 AND f.status = 'ready' AND (
                f.owner_id = $2 OR f.purpose = 'avatar' OR EXISTS (
                    SELECT 1 FROM chat_members m
                    WHERE m.chat_id = f.chat_id AND m.user_id = $2))
            """,
            file_id,
            user_id,
        )
        return _build_file(row) if row else None

    async def delete(self, file: StoredFile, *, now: datetime) -> None:
        """Delete a file's row; its objects follow by jobs of the same transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            try:
                deleted = await connection.fetchrow(_DELETE, file.id)
            except asyncpg.ForeignKeyViolationError as error:
                raise FileInUseError from error
            if deleted is not None:
                await _add_delete_jobs(connection, deleted, now=now)

    async def give_up(self, file_id: UUID) -> None:
        """Mark an upload that failed; the worker removes the row and what was stored of it.

        Not at once: a request to the store that was cut off may still be carried out there.
        """
        query = "UPDATE media_files SET status = 'failed' WHERE id = $1 AND status = 'uploading'"
        await self._pool.execute(query, file_id)


async def _add_delete_jobs(
    connection: "AnyConnection", deleted: asyncpg.Record, *, now: datetime
) -> None:
    keys = (deleted["object_key"], deleted["thumbnail_object_key"], *deleted["rendition_keys"])
    for key in keys:
        if key is not None:
            await enqueue_job(connection, DELETE_JOB, {"objectKey": key}, now=now)


def _build_file(row: asyncpg.Record) -> StoredFile:
    return StoredFile(
        id=row["id"],
        owner_id=row["owner_id"],
        chat_id=row["chat_id"],
        purpose=row["purpose"],
        object_key=row["object_key"],
        thumbnail_object_key=row["thumbnail_object_key"],
        size=row["size"],
        sha256=row["sha256"].hex(),
        content_type=row["content_type"],
        filename=row["file_name"],
        encrypted=row["encrypted"],
        width=row["width"],
        height=row["height"],
    )
