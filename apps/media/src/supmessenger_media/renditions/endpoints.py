"""Renditions over HTTP."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Header, Path, Request, Response

from supmessenger_media.files.download import build_head, build_not_modified, stream_content
from supmessenger_media.files.endpoints import Caller, Files
from supmessenger_media.renditions.schemas import RenditionsView, RenditionView
from supmessenger_media.renditions.service import RenditionService

router = APIRouter(prefix="/v1/files/{file_id}/renditions", tags=["renditions"])


async def find_service(request: Request) -> RenditionService:
    """Return the service the application was composed with; plain functions run in threads."""
    service: RenditionService = request.app.state.renditions
    return service


Renditions = Annotated[RenditionService, Depends(find_service)]
Name = Annotated[str, Path(pattern="^[a-z0-9]{1,16}$")]


@router.get("", response_model_exclude_none=True)
async def list_renditions(
    file_id: UUID, caller: Caller, files: Files, renditions: Renditions
) -> RenditionsView:
    """Return the versions of a video and how far each is."""
    await files.fetch(file_id, user_id=caller.user_id)
    rows = await renditions.list(file_id)
    return RenditionsView(renditions=[_build_view(row) for row in rows])


@router.get("/{name}", response_class=Response)
async def download_rendition(
    file_id: UUID,
    name: Name,
    caller: Caller,
    files: Files,
    renditions: Renditions,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a rendition's bytes, or one range of them."""
    await files.fetch(file_id, user_id=caller.user_id)
    rendition = await renditions.fetch(file_id, name)
    return build_not_modified(rendition, if_none_match) or await stream_content(
        rendition,
        lambda piece: renditions.open_content(rendition, piece),
        range_header=range_header,
        if_range=if_range,
    )


@router.head("/{name}", response_class=Response)
async def describe_rendition(
    file_id: UUID,
    name: Name,
    caller: Caller,
    files: Files,
    renditions: Renditions,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return the headers of a download."""
    await files.fetch(file_id, user_id=caller.user_id)
    rendition = await renditions.fetch(file_id, name)
    return build_not_modified(rendition, if_none_match) or build_head(rendition)


def _build_view(row: asyncpg.Record) -> RenditionView:
    return RenditionView(
        name=row["name"],
        status=row["status"],
        progress=row["progress"],
        content_type=row["content_type"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
        error=row["error"],
    )
