"""HTTP of sessions."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from supmessenger_api.caller import Caller, OpenResources, compute_client_address, count
from supmessenger_api.rate_limits import (
    LOGIN_BY_ACCOUNT,
    LOGIN_BY_ADDRESS,
    LOGIN_BY_BOTH,
    REFRESH_BY_ADDRESS,
)
from supmessenger_api.sessions.schemas import Login, OpenedSession, Refresh, Sessions
from supmessenger_api.sessions.service import Origin
from supmessenger_common.identifiers import read_clock

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

RetryKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=128)]


@router.post("", status_code=201)
async def log_in(
    body: Login, request: Request, resources: OpenResources, retry_key: RetryKey = None
) -> OpenedSession:
    """Log in on a new device; a repeat with the same Idempotency-Key replaces the first."""
    address, login = compute_client_address(request), body.login.casefold()
    await count(request, LOGIN_BY_ADDRESS, address)
    # Counted before the password is looked at, so that parallel guesses count too.
    await count(request, LOGIN_BY_ACCOUNT, login)
    await count(request, LOGIN_BY_BOTH, login, address)
    origin = Origin(
        address=address,
        user_agent=request.headers.get("user-agent", ""),
        retry_key=retry_key,
    )
    opened = await resources.sessions.log_in(body, origin=origin, now=read_clock())
    await resources.limiter.clear(LOGIN_BY_ACCOUNT, login)
    await resources.limiter.clear(LOGIN_BY_BOTH, login, address)
    return opened


@router.post("/refresh")
async def refresh(body: Refresh, request: Request, resources: OpenResources) -> OpenedSession:
    """Exchange the refresh token for a new pair of tokens."""
    await count(request, REFRESH_BY_ADDRESS, compute_client_address(request))
    return await resources.sessions.refresh(body.refresh_token, now=read_clock())


@router.get("")
async def list_sessions(caller: Caller, resources: OpenResources) -> Sessions:
    """List the account's open sessions."""
    return Sessions(sessions=await resources.sessions.list_open(caller, now=read_clock()))


@router.delete("/{session_id}", status_code=204)
async def end_session(
    session_id: UUID | Literal["current"], caller: Caller, resources: OpenResources
) -> Response:
    """Log out: end a session, its tokens and its device."""
    target = caller.session_id if session_id == "current" else session_id
    await resources.sessions.end(caller, target, now=read_clock())
    return Response(status_code=204)
