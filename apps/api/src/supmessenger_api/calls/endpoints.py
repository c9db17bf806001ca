"""HTTP of calls, and of what the media server tells."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.calls.schemas import Admission, Call, Calls, NewCall
from supmessenger_api.calls.service import build_calls_unavailable
from supmessenger_api.rate_limits import CALLS_BY_USER
from supmessenger_common.calls.rooms import build_unreachable
from supmessenger_common.identifiers import read_clock

router = APIRouter(tags=["calls"])

_START_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"model": Call, "description": "The call that is on in the chat"},
}


@router.post("/v1/chats/{chat_id}/calls", status_code=201, responses=_START_RESPONSES)
async def start_call(
    chat_id: UUID,
    body: NewCall,
    request: Request,
    response: Response,
    caller: Caller,
    resources: OpenResources,
) -> Call:
    """Start a call, or return the one that is on in the chat."""
    await count(request, CALLS_BY_USER, str(caller.user_id))
    call, created = await resources.calls.start(caller, chat_id, body, now=read_clock())
    response.status_code = 201 if created else 200
    return call


@router.get("/v1/chats/{chat_id}/calls")
async def list_calls(
    chat_id: UUID,
    caller: Caller,
    resources: OpenResources,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Calls:
    """List the calls of a chat, the newest first."""
    return await resources.calls.list_calls(caller, chat_id, before=before, limit=limit)


@router.get("/v1/calls/{call_id}")
async def get_call(call_id: UUID, caller: Caller, resources: OpenResources) -> Call:
    """Return one call of the caller's chats."""
    return await resources.calls.get(caller, call_id)


@router.post("/v1/calls/{call_id}/join")
async def join_call(
    call_id: UUID, request: Request, caller: Caller, resources: OpenResources
) -> Admission:
    """Let the caller's device into a call's room."""
    await count(request, CALLS_BY_USER, str(caller.user_id))
    return await resources.calls.join(caller, call_id, now=read_clock())


@router.post("/v1/calls/{call_id}/decline")
async def decline_call(call_id: UUID, caller: Caller, resources: OpenResources) -> Call:
    """Say no to a call that rings."""
    return await resources.calls.decline(caller, call_id, now=read_clock())


@router.post("/v1/calls/{call_id}/end")
async def end_call(call_id: UUID, caller: Caller, resources: OpenResources) -> Call:
    """End a call for everybody in it."""
    return await resources.calls.end(caller, call_id, now=read_clock())


# Not below /v1, and so not through the edge.
@router.post("/internal/livekit/webhook", include_in_schema=False)
async def take_webhook(request: Request, resources: OpenResources) -> Response:
    """Take an event of the media server."""
    if resources.webhook is None:
        raise build_calls_unavailable()
    body = await request.body()
    await resources.webhook.take(body, request.headers.get("authorization"))
    return Response(b"{}", media_type="application/json")


@router.get("/internal/livekit/door", include_in_schema=False, status_code=204)
async def check_door(request: Request, resources: OpenResources) -> None:
    """Tell the edge whether a request may pass to the media server."""
    if resources.door is None:
        raise build_unreachable()
    headers = request.headers
    await resources.door.check(headers.get("x-original-uri", ""), headers.get("authorization"))
