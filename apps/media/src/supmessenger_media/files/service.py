"""What may be done with files, and by whom."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_media.files.form import Field, FilePart, Part
from supmessenger_media.files.ranges import ByteRange
from supmessenger_media.files.repository import (
    FileInUseError,
    FileRepository,
    ObjectKeys,
    StoredFile,
)
from supmessenger_media.files.schemas import UploadOrder, build_field_errors, parse_order
from supmessenger_media.files.storage import MediaStorage
from supmessenger_media.files.upload import Upload, Uploader
from supmessenger_media.renditions.names import compute_renditions


class FileService:
    """Stores, shows and deletes files; knows nothing of HTTP."""

    def __init__(
        self,
        repository: FileRepository,
        storage: MediaStorage,
        uploader: Uploader,
        *,
        transcoding: bool = False,
    ) -> None:
        """Work with these; with `transcoding` videos are queued for the worker."""
        self._repository = repository
        self._storage = storage
        self._uploader = uploader
        self._transcoding = transcoding

    async def upload(self, parts: AsyncIterator[Part], *, owner_id: UUID) -> StoredFile:
        """Store the file of a form; whatever goes wrong, nobody is shown half of it."""
        order, first = await self._read_order(parts)
        if order.chat_id is not None and not await self._repository.is_member(
            chat_id=order.chat_id, user_id=owner_id
        ):
            raise PlatformError(404, "chat_not_found", "There is no such chat.")
        keys = ObjectKeys(create_id())
        await self._repository.begin(order, keys=keys, owner_id=owner_id)
        try:
            with tempfile.TemporaryDirectory(prefix="upload-") as folder:
                upload = Upload(order, keys, owner_id, Path(folder))
                file = await self._uploader.run(upload, first, parts)
            names = compute_renditions(file) if self._transcoding else ()
            if not await self._repository.complete(file, renditions=names, now=read_clock()):
                raise PlatformError(409, "upload_expired", "The upload took too long.")
        except BaseException:
            # Also when the client went away and this task is being cancelled.
            await asyncio.shield(self._repository.give_up(keys.file_id))
            raise
        return file

    async def fetch(self, file_id: UUID, *, user_id: UUID) -> StoredFile:
        """Return a file this user may see; for everyone else there is no such file."""
        file = await self._repository.fetch_visible(file_id, user_id=user_id)
        if file is None:
            raise PlatformError(404, "file_not_found", "There is no such file.")
        return file

    async def read_thumbnail(self, file: StoredFile) -> bytes:
        """Return the thumbnail's bytes; raises 404 when the file has none."""
        if file.thumbnail_object_key is None:
            raise PlatformError(404, "no_thumbnail", "This file has no thumbnail.")
        return await self._storage.read(file.thumbnail_object_key)

    async def open_content(self, file: StoredFile, piece: ByteRange | None) -> AsyncIterator[bytes]:
        """Begin to read a file or a piece of it."""
        return await self._storage.open_reader(file.object_key, piece or ByteRange(0, file.size))

    async def delete(self, file_id: UUID, *, user_id: UUID, now: datetime) -> None:
        """Delete a file of one's own; others who may see it are told that it is not theirs."""
        file = await self.fetch(file_id, user_id=user_id)
        if file.owner_id != user_id:
            raise PlatformError(403, "not_owner", "Only its owner can delete a file.")
        try:
            await self._repository.delete(file, now=now)
        except FileInUseError:
            raise PlatformError(409, "file_in_use", "A sticker pack shows this file.") from None

    async def _read_order(self, parts: AsyncIterator[Part]) -> tuple[UploadOrder, FilePart]:
        fields: dict[str, str] = {}
        async for part in parts:
            if isinstance(part, Field):
                fields[part.name] = part.value
            elif part.name == "file":
                return parse_order(fields), part
            else:
                raise build_field_errors(FieldError(part.name, "must come after the file"))
        raise build_field_errors(FieldError("file", "is missing"))
