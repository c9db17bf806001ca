"""Stories that ran out: rows leave, and what they showed is removed from the object store."""

from datetime import datetime
from typing import TYPE_CHECKING

from supmessenger_worker.schedule.objects import enqueue_deletions

if TYPE_CHECKING:
    from supmessenger_common.database import AnyConnection

_DELETE_STORIES = """
WITH batch AS (
    SELECT id FROM stories WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM stories s USING batch WHERE s.id = batch.id RETURNING s.media_id
"""
# A file that is also in a chat, in another story, or a sticker outlives the story.
_DELETE_MEDIA = """
DELETE FROM media_files f
WHERE f.id = ANY($1::uuid[]) AND f.chat_id IS NULL AND f.purpose IN ('story', 'attachment')
  AND NOT EXISTS (SELECT 1 FROM stories s WHERE s.media_id = f.id)
  AND NOT EXISTS (SELECT 1 FROM stickers s WHERE s.media_id = f.id)
RETURNING f.object_key, f.thumbnail_object_key,
    ARRAY(SELECT r.object_key FROM media_renditions r WHERE r.file_id = f.id) AS rendition_keys
"""


async def delete_expired_stories(connection: "AnyConnection", *, now: datetime, batch: int) -> int:
    """Delete up to `batch` stories and enqueue the removal of their objects."""
    stories = await connection.fetch(_DELETE_STORIES, now, batch)
    media = [row["media_id"] for row in stories if row["media_id"] is not None]
    if media:
        await enqueue_deletions(connection, await connection.fetch(_DELETE_MEDIA, media), now=now)
    return len(stories)
