"""Job `media.transcode`: makes what is missing of a video's renditions, one after the other.

At least once: a worker that dies leaves the row `running`, and the next delivery goes on with it.
"""

import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from supmessenger_common.broker import Job
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_worker.retries import PermanentJobError, TemporaryJobError
from supmessenger_worker.transcoding.convert import Source, convert, open_source
from supmessenger_worker.transcoding.ladder import (
    LADDER,
    POSTER,
    THUMBNAIL_FILE,
    find_superfluous,
)
from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.refusal import FileGoneError, VideoRefusedError
from supmessenger_worker.transcoding.repository import (
    TRANSCODE,
    Product,
    RenditionRepository,
    SourceFile,
    Task,
)
from supmessenger_worker.transcoding.storage import RenditionStorage

__all__ = ["TRANSCODE", "TranscodingJobs"]

# After this long what is left becomes a job of its own: the broker takes away a job that is not
# settled in 30 minutes, and one conversion may take 18.
_BUDGET_SECONDS: Final = 8 * 60.0
_log = get_logger("transcoding")


@dataclass(frozen=True)
class TranscodingJobs:
    """Converts videos with what it is composed of."""

    repository: RenditionRepository
    storage: RenditionStorage
    limits: TranscodingLimits

    async def transcode(self, job: Job, *, now: datetime) -> None:
        """Make the renditions of a file that are not made yet."""
        file_id = _parse_file_id(job)
        file = await self.repository.fetch_source(file_id)
        if file is None:
            # Deleted since; what an earlier attempt may have stored goes as well.
            await self._clean_up(file_id)
            return
        try:
            await self._make_all(file_id, file)
        except VideoRefusedError as error:
            _log.info("video refused", file_id=str(file_id), why=str(error))
            await self.repository.fail(file_id, str(error))
        except FileGoneError as error:
            if await self.repository.fetch_source(file_id) is not None:
                # Its object is missing, or a second delivery was faster: look again later.
                raise TemporaryJobError("the video could not be worked on now") from error
            _log.info("video deleted meanwhile", file_id=str(file_id))
            await self._clean_up(file_id)
        except BaseException:
            await self.repository.put_back(file_id)
            raise

    async def give_up(self, job: Job) -> None:
        """Say on the rows of a job that is tried no more that they will not be made."""
        try:
            file_id = _parse_file_id(job)
        except PermanentJobError:
            return
        await self.repository.fail(file_id, "the server could not convert it; try again later")

    async def _make_all(self, file_id: UUID, file: SourceFile) -> None:
        begun = time.monotonic()
        task = await self.repository.begin_next(file_id)
        if task is None:
            return
        if file.size > self.limits.source_bytes:
            raise VideoRefusedError(
                f"the file is larger than this server converts ({self.limits.source_bytes} bytes)"
            )
        with tempfile.TemporaryDirectory(prefix="transcode-") as folder:
            source = await self._fetch(file_id, file, Path(folder))
            while task is not None:
                await self._make(file_id, task, source)
                if time.monotonic() - begun > _BUDGET_SECONDS:
                    await self.repository.enqueue_rest(file_id, now=read_clock())
                    return
                task = await self.repository.begin_next(file_id)

    async def _fetch(self, file_id: UUID, file: SourceFile, folder: Path) -> Source:
        async def check() -> None:
            if await self.repository.fetch_source(file_id) is None:
                raise FileGoneError(file_id)

        path = folder / "source"
        await self.storage.download(file.object_key, path, size=file.size, check=check)
        source = await open_source(path, content_type=file.content_type, limits=self.limits)
        video = source.video
        await self.repository.drop(
            file_id, find_superfluous(width=video.width, height=video.height)
        )
        return source

    async def _make(self, file_id: UUID, task: Task, source: Source) -> None:
        name = task.rendition.name

        async def report(percent: int) -> None:
            if not await self.repository.report(file_id, name, percent):
                raise FileGoneError(file_id)

        made = await convert(source, task.rendition, limits=self.limits, report=report)
        thumbnail: str | None = None
        if name == POSTER:
            thumbnail = build_thumbnail_key(file_id)
            await self.storage.upload(thumbnail, made.path.parent / THUMBNAIL_FILE)
        product = Product(
            size=made.path.stat().st_size,
            sha256=await self.storage.upload(task.object_key, made.path),
            width=made.width,
            height=made.height,
        )
        made.path.unlink()
        if not await self.repository.complete(
            file_id, task, product, video=source.video, thumbnail=thumbnail
        ):
            raise FileGoneError(file_id)

    async def _clean_up(self, file_id: UUID) -> None:
        keys = [build_rendition_key(file_id, rendition.name) for rendition in LADDER]
        await self.storage.delete(build_thumbnail_key(file_id), *keys)


def build_rendition_key(file_id: UUID, name: str) -> str:
    """Return where a rendition is stored, as the media service writes it into the row."""
    return f"renditions/{file_id}/{name}"


def build_thumbnail_key(file_id: UUID) -> str:
    """Return where the thumbnail of a file is stored."""
    return f"thumbnails/{file_id}"


def _parse_file_id(job: Job) -> UUID:
    try:
        return UUID(str(job.payload["fileId"]))
    except (KeyError, ValueError):
        raise PermanentJobError("payload.fileId must be a UUID") from None
