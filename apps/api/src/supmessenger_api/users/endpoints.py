"""HTTP of users."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.rate_limits import LOOKUP_BY_USER
from supmessenger_api.users.schemas import User
from supmessenger_api.wire import Printable

router = APIRouter(prefix="/v1/users", tags=["users"])


@router.get("")
async def find_user(
    username: Annotated[Printable, Query(min_length=2, max_length=64)],
    request: Request,
    caller: Caller,
    resources: OpenResources,
) -> User:
    """Find the user with exactly this username."""
    await count(request, LOOKUP_BY_USER, str(caller.user_id))
    return await resources.users.find(username)


@router.get("/me")
async def get_me(caller: Caller, resources: OpenResources) -> User:
    """Return the caller's own profile."""
    return await resources.users.get(caller.user_id)


@router.get("/{user_id}")
async def get_user(
    user_id: UUID, request: Request, caller: Caller, resources: OpenResources
) -> User:
    """Return a user's profile."""
    await count(request, LOOKUP_BY_USER, str(caller.user_id))
    return await resources.users.get(user_id)
