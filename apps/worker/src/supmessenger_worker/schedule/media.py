"""Files nobody can reach: uploads that never ended, and files of accounts that are gone."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from supmessenger_worker.schedule.objects import enqueue_deletions

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

# No upload takes a day; its service died in the middle.
KEEP_UPLOADING = timedelta(hours=24)
# A request to the store that was cut off may still be carried out there for a while.
KEEP_FAILED = timedelta(hours=1)

_DELETE = """
WITH batch AS (
    SELECT id FROM media_files f
    WHERE (status = 'uploading' AND created_at <= $1)
       OR (status IN ('failed', 'deleted') AND updated_at <= $2)
       OR (status = 'ready' AND owner_id IS NULL
           AND NOT EXISTS (SELECT 1 FROM stickers s WHERE s.media_id = f.id))
    LIMIT $3 FOR UPDATE SKIP LOCKED
)
DELETE FROM media_files f USING batch WHERE f.id = batch.id
RETURNING f.object_key, f.thumbnail_object_key,
    ARRAY(SELECT r.object_key FROM media_renditions r WHERE r.file_id = f.id) AS rendition_keys
"""


async def delete_orphaned_media(connection: "AnyConnection", *, now: datetime, batch: int) -> int:
    """Delete up to `batch` rows and enqueue the removal of their objects."""
    rows = await connection.fetch(_DELETE, now - KEEP_UPLOADING, now - KEEP_FAILED, batch)
    await enqueue_deletions(connection, rows, now=now)
    return len(rows)
