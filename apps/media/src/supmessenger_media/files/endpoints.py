"""Files over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.requests import ClientDisconnect

from supmessenger_common.auth import AccessTokens, Principal, parse_bearer
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import read_clock
from supmessenger_common.sessions import SessionGuard
from supmessenger_media.files.download import build_head, build_not_modified, stream_content
from supmessenger_media.files.form import parse_boundary, read_parts
from supmessenger_media.files.headers import build_thumbnail_headers, compute_thumbnail_type
from supmessenger_media.files.intake import build_too_large
from supmessenger_media.files.ranges import matches_etag
from supmessenger_media.files.repository import StoredFile
from supmessenger_media.files.schemas import UPLOAD_BODY, FileView
from supmessenger_media.files.service import FileService
from supmessenger_media.files.slots import UploadSlots

router = APIRouter(prefix="/v1/files", tags=["files"])
# What a form may hold beside the file: its fields, headers and boundaries, a thumbnail.
_FORM_OVERHEAD = 512 * 1024


async def authenticate(request: Request) -> Principal:
    """Return who calls; raises 401."""
    tokens: AccessTokens = request.app.state.tokens
    sessions: SessionGuard = request.app.state.sessions
    now = read_clock()
    principal = tokens.verify(parse_bearer(request.headers.get("authorization")), now=now)
    await sessions.check(principal, now=now)
    return principal


async def find_service(request: Request) -> FileService:
    """Return the service the application was composed with; plain functions run in threads."""
    service: FileService = request.app.state.files
    return service


Caller = Annotated[Principal, Depends(authenticate)]
Files = Annotated[FileService, Depends(find_service)]


@router.post("", status_code=201, openapi_extra={"requestBody": UPLOAD_BODY})
async def upload_file(request: Request, caller: Caller, files: Files) -> FileView:
    """Store a file: the fields of the form come first, then `file`."""
    limit: int = request.app.state.max_upload_size
    if _declared_length(request) > limit + _FORM_OVERHEAD:
        raise build_too_large(limit)
    parts = read_parts(_read_body(request), parse_boundary(request.headers.get("content-type", "")))
    slots: UploadSlots = request.app.state.upload_slots
    with slots.take(caller.user_id):
        file = await files.upload(parts, owner_id=caller.user_id)
    return _build_view(file)


@router.get("/{file_id}", response_class=Response)
async def download_file(
    file_id: UUID,
    caller: Caller,
    files: Files,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a file's bytes, or one range of them."""
    file = await files.fetch(file_id, user_id=caller.user_id)
    return build_not_modified(file, if_none_match) or await stream_content(
        file,
        lambda piece: files.open_content(file, piece),
        range_header=range_header,
        if_range=if_range,
    )


@router.head("/{file_id}", response_class=Response)
async def describe_file(
    file_id: UUID,
    caller: Caller,
    files: Files,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return the headers of a download."""
    file = await files.fetch(file_id, user_id=caller.user_id)
    return build_not_modified(file, if_none_match) or build_head(file)


@router.get("/{file_id}/thumbnail", response_class=Response)
async def download_thumbnail(
    file_id: UUID,
    caller: Caller,
    files: Files,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a file's thumbnail: WebP of at most 320 pixels, upright and without metadata."""
    file = await files.fetch(file_id, user_id=caller.user_id)
    headers = build_thumbnail_headers(file)
    if file.thumbnail_object_key and matches_etag(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    content = await files.read_thumbnail(file)
    return Response(content, media_type=compute_thumbnail_type(file), headers=headers)


@router.delete("/{file_id}", status_code=204)
async def delete_file(file_id: UUID, caller: Caller, files: Files) -> None:
    """Delete a file of one's own."""
    await files.delete(file_id, user_id=caller.user_id, now=read_clock())


async def _read_body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        # Nobody reads this answer; it keeps an everyday event out of the log of errors.
        raise PlatformError(400, "upload_cut", "The upload ended before its end.") from None


def _declared_length(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _build_view(file: StoredFile) -> FileView:
    return FileView(
        id=file.id,
        size=file.size,
        sha256=file.sha256,
        content_type=file.content_type,
        width=file.width,
        height=file.height,
        thumbnail=file.thumbnail_object_key is not None,
    )
