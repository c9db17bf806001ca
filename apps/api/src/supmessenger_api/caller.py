"""What endpoints know of a request: who calls, from where, and which limits count."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from supmessenger_api.rate_limits import Limit
from supmessenger_api.resources import Resources
from supmessenger_common.auth import Principal, parse_bearer
from supmessenger_common.identifiers import read_clock

# Describes the scheme in OpenAPI; the header itself is judged below, with our own problems.
_BEARER = HTTPBearer(auto_error=False, scheme_name="accessToken", bearerFormat="JWT")


def get_resources(request: Request) -> Resources:
    """Return what this process holds open."""
    resources = request.app.state.resources
    assert isinstance(resources, Resources)
    return resources


async def provide_resources(request: Request) -> Resources:
    """Return the same to an endpoint: the framework runs plain functions in threads."""
    return get_resources(request)


OpenResources = Annotated[Resources, Depends(provide_resources)]


async def authenticate(
    request: Request,
    resources: OpenResources,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Principal:
    """Return who calls; raises 401 for no, a false, an expired or a revoked token."""
    now = read_clock()
    token = parse_bearer(request.headers.get("authorization"))
    principal = resources.tokens.verify(token, now=now)
    await resources.guard.check(principal, now=now)
    return principal


Caller = Annotated[Principal, Depends(authenticate)]


def compute_client_address(request: Request) -> str:
    """Return the address the edge saw: the last entry of the header is the edge's own."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "unknown")


async def count(request: Request, limit: Limit, *keys: str) -> None:
    """Count a hit of a limit and show what is left in the answer's headers."""
    resources = get_resources(request)
    allowance = await resources.limiter.hit(limit, *keys, now=read_clock())
    if allowance is not None:
        request.state.answer_headers = allowance.build_headers()
