"""Requests and answers of chats."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from supmessenger_api.wire import WireModel, WireTime


class NewChat(WireModel):
    """A direct chat with one other user."""

    type: Literal["direct"]
    member_ids: Annotated[list[UUID], Field(min_length=1, max_length=2)]


class Member(WireModel):
    """Who takes part, and as what."""

    user_id: UUID
    role: Literal["owner", "admin", "member"]


class Chat(WireModel):
    """A chat as one of its members sees it."""

    id: UUID
    type: Literal["direct", "group", "channel"]
    title: str | None
    members: list[Member]
    last_seq: int
    last_read_seq: int
    created_at: WireTime


class Chats(WireModel):
    """A page of chats, the oldest first; `nextCursor` is the `after` of the next page."""

    chats: list[Chat]
    next_cursor: UUID | None
