"""Requests and answers of calls."""

from typing import Literal
from uuid import UUID

from supmessenger_api.wire import WireModel, WireTime


class NewCall(WireModel):
    """What kind of call to start."""

    kind: Literal["audio", "video"]


class Participant(WireModel):
    """The latest stay of a device that is in a call, or of a person who was."""

    user_id: UUID
    device_id: UUID | None
    joined_at: WireTime
    left_at: WireTime | None


class Call(WireModel):
    """A call as the members of its chat see it."""

    id: UUID
    chat_id: UUID
    kind: Literal["audio", "video"]
    status: Literal["ringing", "active", "ended", "missed", "declined", "failed"]
    initiator_id: UUID | None
    started_at: WireTime
    answered_at: WireTime | None
    ended_at: WireTime | None
    participants: list[Participant]


class Calls(WireModel):
    """A page of calls, the newest first; `nextCursor` is the `before` of the next page."""

    calls: list[Call]
    next_cursor: UUID | None


class IceServer(WireModel):
    """A relay and the caller's credentials for it, as WebRTC wants them."""

    urls: list[str]
    username: str
    credential: str


class Admission(WireModel):
    """How the caller's device gets into the room; `expiresIn` is the token's, in seconds."""

    url: str
    token: str
    expires_in: int
    ice_servers: list[IceServer]
