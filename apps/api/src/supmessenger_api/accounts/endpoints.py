"""HTTP of accounts."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import HTMLResponse

from supmessenger_api.accounts.pages import (
    build_confirm_page,
    build_done_page,
    build_failed_page,
)
from supmessenger_api.accounts.schemas import (
    Account,
    NewAccount,
    Verification,
    VerifiedAccount,
)
from supmessenger_api.caller import OpenResources, compute_client_address, count
from supmessenger_api.rate_limits import (
    REGISTER_BY_ADDRESS,
    REGISTER_BY_EMAIL,
    VERIFY_BY_ADDRESS,
)
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import read_clock

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

_FORM = "application/x-www-form-urlencoded"
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}
_VERIFY_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Verification.model_json_schema()}},
    }
}


@router.post("", status_code=201)
async def register(body: NewAccount, request: Request, resources: OpenResources) -> Account:
    """Register an account."""
    await count(request, REGISTER_BY_ADDRESS, compute_client_address(request))
    await count(request, REGISTER_BY_EMAIL, body.email)
    return await resources.accounts.register(body, now=read_clock())


@router.post(
    "/verify",
    response_model=VerifiedAccount,
    openapi_extra=_VERIFY_BODY,
)
async def verify(request: Request, resources: OpenResources) -> VerifiedAccount | Response:
    """Use the token of a verification email; also takes the form of our own page."""
    await count(request, VERIFY_BY_ADDRESS, compute_client_address(request))
    body = await request.body()
    if request.headers.get("content-type", "").startswith(_FORM):
        return await _verify_form(body, resources)
    return await resources.accounts.verify(parse_verification(body).token, now=read_clock())


@router.get("/verify", include_in_schema=False)
async def show_verify_page(token: Annotated[str, Query(max_length=128)]) -> HTMLResponse:
    """Show the page the emailed link opens."""
    return HTMLResponse(build_confirm_page(token), headers=_PAGE_HEADERS)


async def _verify_form(body: bytes, resources: OpenResources) -> HTMLResponse:
    token = parse_qs(body.decode("ascii", "replace")).get("token", [""])[0]
    try:
        await resources.accounts.verify(token, now=read_clock())
    except PlatformError as error:
        page = build_failed_page(error.detail)
        return HTMLResponse(page, status_code=error.status, headers=_PAGE_HEADERS)
    return HTMLResponse(build_done_page(), headers=_PAGE_HEADERS)


def parse_verification(body: bytes) -> Verification:
    """Read the JSON body; raises the framework's own error for a wrong one."""
    try:
        return Verification.model_validate_json(body)
    except ValidationError as error:
        details = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(details) from None
