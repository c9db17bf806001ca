"""HTTP of chats."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.chats.schemas import Chat, Chats, NewChat
from supmessenger_api.rate_limits import CHATS_BY_USER
from supmessenger_common.identifiers import read_clock

router = APIRouter(prefix="/v1/chats", tags=["chats"])

_CREATE_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"model": Chat, "description": "The chat the pair has already"},
}


@router.post("", status_code=201, responses=_CREATE_RESPONSES)
async def create_chat(
    body: NewChat, request: Request, response: Response, caller: Caller, resources: OpenResources
) -> Chat:
    """Create a direct chat, or return the one that exists for the pair."""
    await count(request, CHATS_BY_USER, str(caller.user_id))
    chat, created = await resources.chats.create(caller, body, now=read_clock())
    response.status_code = 201 if created else 200
    return chat


@router.get("")
async def list_chats(
    caller: Caller,
    resources: OpenResources,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Chats:
    """List the caller's chats."""
    return await resources.chats.list_chats(caller, after=after, limit=limit)


@router.get("/{chat_id}")
async def get_chat(chat_id: UUID, caller: Caller, resources: OpenResources) -> Chat:
    """Return one chat of the caller's."""
    return await resources.chats.get(caller, chat_id)
