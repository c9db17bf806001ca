"""Carries one upload from the form to the object store, with its thumbnail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.log import get_logger
from supmessenger_media.files.form import FilePart, Part
from supmessenger_media.files.intake import Intake, build_too_large
from supmessenger_media.files.repository import ObjectKeys, StoredFile
from supmessenger_media.files.schemas import UploadOrder, build_field_errors
from supmessenger_media.files.storage import MediaStorage, ObjectWriter
from supmessenger_media.pictures.metadata import BrokenPictureError, strip_metadata
from supmessenger_media.pictures.studio import (
    Picture,
    PictureRefusedError,
    PictureStudio,
    PictureTask,
)

# A thumbnail that a client made and encrypted.
CLIENT_THUMBNAIL_LIMIT = 256 * 1024
_READ_BYTES = 1024 * 1024
_log = get_logger("upload")


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: what was asked, where it is stored, and a folder that ends with it."""

    order: UploadOrder
    keys: ObjectKeys
    owner_id: UUID
    folder: Path


@dataclass(frozen=True, slots=True)
class _Stored:
    intake: Intake
    picture: Picture | None
    thumbnail: bool


class Uploader:
    """Stores files and pictures; the row is the service's matter."""

    def __init__(self, storage: MediaStorage, studio: PictureStudio, *, limit: int) -> None:
        """Refuse files over `limit` bytes."""
        self._storage = storage
        self._studio = studio
        self._limit = limit

    async def run(self, upload: Upload, part: FilePart, rest: AsyncIterator[Part]) -> StoredFile:
        """Store the file and its thumbnail; raises what is wrong with them."""
        if upload.order.purpose == "avatar" and not upload.order.encrypted:
            stored = await self._store_avatar(upload, part)
        else:
            stored = await self._store_file(upload, part)
        thumbnail = await self._store_rest(upload, rest) or stored.thumbnail
        picture = stored.picture
        return StoredFile(
            id=upload.keys.file_id,
            owner_id=upload.owner_id,
            chat_id=upload.order.chat_id,
            purpose=upload.order.purpose,
            object_key=upload.keys.file,
            thumbnail_object_key=upload.keys.thumbnail if thumbnail else None,
            size=stored.intake.size,
            sha256=stored.intake.sha256,
            content_type=stored.intake.content_type,
            filename=None if upload.order.encrypted else part.filename,
            encrypted=upload.order.encrypted,
            width=picture.width if picture else None,
            height=picture.height if picture else None,
        )

    async def _store_file(self, upload: Upload, part: FilePart) -> _Stored:
        given = self._open_intake(upload, "given", limit=self._limit)
        writer = self._storage.open_writer(upload.keys.file)
        await given.take(part.chunks, writer, aside=True)
        if given.picture is None:
            await writer.finish()
            return _Stored(given, None, thumbnail=False)
        clean = upload.folder / "clean"
        try:
            await asyncio.to_thread(
                strip_metadata, given.picture, clean, content_type=given.content_type
            )
        except BrokenPictureError as error:
            _log.info("picture refused", why=str(error))
            raise _build_broken() from error
        given.picture.unlink()
        intake = await self._store_made(upload, clean, writer)
        picture = await self._store_thumbnail(upload, clean)
        return _Stored(intake, picture, thumbnail=picture is not None)

    async def _store_avatar(self, upload: Upload, part: FilePart) -> _Stored:
        limit = min(self._limit, self._studio.limits.source_bytes)
        given = self._open_intake(upload, "given", limit=limit)
        await given.take(part.chunks, None)
        if given.picture is None:
            raise _build_refused("unknown_format")
        result = upload.folder / "avatar"
        try:
            avatar = await self._studio.make(
                PictureTask.AVATAR, source=given.picture, result=result
            )
        except PictureRefusedError as error:
            _log.info("avatar refused", why=str(error))
            raise _build_refused(error.reason) from error
        writer = self._storage.open_writer(upload.keys.file)
        intake = await self._store_made(upload, result, writer)
        thumbnail = await self._store_thumbnail(upload, result)
        return _Stored(intake, avatar, thumbnail=thumbnail is not None)

    async def _store_made(self, upload: Upload, made: Path, writer: ObjectWriter) -> Intake:
        intake = self._open_intake(upload, None, limit=self._limit)
        await intake.take(_read_file(made), writer)
        await writer.finish()
        return intake

    async def _store_thumbnail(self, upload: Upload, source: Path) -> Picture | None:
        result = upload.folder / "thumbnail"
        try:
            picture = await self._studio.make(PictureTask.THUMBNAIL, source=source, result=result)
        except PictureRefusedError as error:
            # The file itself is as good as any other; it just has no thumbnail.
            _log.info("thumbnail refused", why=str(error))
            return None
        await self._storage.put(upload.keys.thumbnail, result)
        return picture

    async def _store_rest(self, upload: Upload, rest: AsyncIterator[Part]) -> bool:
        stored = False
        async for part in rest:
            if not isinstance(part, FilePart):
                raise build_field_errors(FieldError(part.name, "must come before the file"))
            if part.name != "thumbnail" or not upload.order.encrypted or stored:
                detail = "only an encrypted file is sent with a thumbnail, and with one"
                raise build_field_errors(FieldError(part.name, detail))
            content = bytearray()
            async for chunk in part.chunks:
                content += chunk
                if len(content) > CLIENT_THUMBNAIL_LIMIT:
                    raise build_too_large(CLIENT_THUMBNAIL_LIMIT)
            await self._storage.put(upload.keys.thumbnail, bytes(content))
            stored = True
        return stored

    def _open_intake(self, upload: Upload, name: str | None, *, limit: int) -> Intake:
        return Intake(
            limit=limit,
            copy_path=upload.folder / name if name else None,
            copy_limit=self._studio.limits.source_bytes,
            encrypted=upload.order.encrypted,
        )


async def _read_file(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _READ_BYTES):
            yield piece


def _build_broken() -> PlatformError:
    return PlatformError(
        422,
        "picture_refused",
        "The picture is damaged, so its metadata cannot be taken out.",
        extra={"reason": "unreadable"},
    )


def _build_refused(reason: str) -> PlatformError:
    return PlatformError(
        422,
        "picture_refused",
        "An avatar is a JPEG, PNG, WebP or GIF of at most 32 million pixels.",
        extra={"reason": reason},
    )
