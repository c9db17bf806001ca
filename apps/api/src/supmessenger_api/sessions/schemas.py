"""Requests and answers of sessions."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from supmessenger_api.wire import Text, WireModel, WireTime, check_printable


class NewDevice(WireModel):
    """The device that logs in."""

    name: Text
    registration_id: Annotated[int, Field(ge=0, le=16383)]


class Login(WireModel):
    """Credentials: `login` is a username or an email address."""

    login: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=254),
        AfterValidator(check_printable),
    ]
    password: Annotated[str, StringConstraints(max_length=1024)]
    device: NewDevice


class Refresh(WireModel):
    """The refresh token the session gave out last."""

    refresh_token: Annotated[str, StringConstraints(max_length=128)]


class OpenedSession(WireModel):
    """Tokens of a session; `expiresIn` counts seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    user_id: UUID
    device_id: UUID
    session_id: UUID


class Session(WireModel):
    """One open session of the account."""

    id: UUID
    device_id: UUID
    device_name: str
    created_at: WireTime
    last_used_at: WireTime
    expires_at: WireTime
    current: bool


class Sessions(WireModel):
    """The open sessions of the account, the newest first."""

    sessions: list[Session]
