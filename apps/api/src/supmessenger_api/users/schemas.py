"""Answers of users."""

from uuid import UUID

from supmessenger_api.wire import WireModel, WireTime


class User(WireModel):
    """A profile as every account may see it."""

    id: UUID
    username: str
    display_name: str
    avatar_id: UUID | None
    created_at: WireTime
