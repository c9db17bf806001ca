"""HTTP of messages."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.messages.paging import HistoryRange
from supmessenger_api.messages.schemas import (
    Messages,
    NewMessage,
    ReadMark,
    ReadPointer,
    SentMessage,
)
from supmessenger_api.rate_limits import SEND_BY_USER
from supmessenger_common.identifiers import read_clock
from supmessenger_common.messages.events import build_message_fields

router = APIRouter(prefix="/v1/chats/{chat_id}", tags=["messages"])

Seq = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
_SEND_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"model": SentMessage, "description": "What the first send with this id stored"},
}


@router.post("/messages", status_code=201, responses=_SEND_RESPONSES)
async def send_message(
    chat_id: UUID,
    body: NewMessage,
    request: Request,
    response: Response,
    caller: Caller,
    resources: OpenResources,
) -> SentMessage:
    """Send a message."""
    await count(request, SEND_BY_USER, str(caller.user_id))
    stored = await resources.messages.send(caller, chat_id, body, now=read_clock())
    response.status_code = 200 if stored.repeated else 201
    return SentMessage(id=stored.id, chat_id=stored.chat_id, seq=stored.seq, sent_at=stored.sent_at)


@router.get("/messages", response_model=Messages)
async def read_history(
    chat_id: UUID,
    caller: Caller,
    resources: OpenResources,
    after: Seq = None,
    before: Seq = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Read messages after a seq, or the newest before one."""
    wanted = HistoryRange(after=after, before=before, limit=limit)
    page, cursor = await resources.messages.read_history(caller, chat_id, wanted)
    # Encoded as the sockets encode it: building models of a page would cost most of the request.
    fields = [build_message_fields(message) for message in page]
    body = orjson.dumps({"messages": fields, "nextCursor": cursor})
    return Response(body, media_type="application/json")


@router.put("/read")
async def mark_read(
    chat_id: UUID, body: ReadMark, caller: Caller, resources: OpenResources
) -> ReadPointer:
    """Move the caller's read pointer; it never goes back."""
    seq = await resources.messages.mark_read(caller, chat_id, body.seq, now=read_clock())
    return ReadPointer(chat_id=chat_id, seq=seq)
