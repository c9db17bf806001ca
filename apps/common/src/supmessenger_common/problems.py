"""Turns every failure of an HTTP service into a problem document."""

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from supmessenger_common.errors import (
    FieldError,
    PlatformError,
    build_problem,
    build_unavailable,
)
from supmessenger_common.log import get_logger
from supmessenger_common.unavailable import UNAVAILABLE_ERRORS, is_unavailable

logger = get_logger("problems")

MEDIA_TYPE = "application/problem+json"
_HTTP_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


def build_problem_response(error: PlatformError) -> Response:
    """Return the HTTP answer of an error."""
    return Response(
        orjson.dumps(build_problem(error)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=error.headers,
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Register the handlers of everything that may be raised below the middleware."""

    async def platform(_: Request, error: Exception) -> Response:
        assert isinstance(error, PlatformError)
        return build_problem_response(error)

    async def validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return build_problem_response(build_validation_error(error))

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return build_problem_response(build_http_error(error))

    async def unavailable(_: Request, error: Exception) -> Response:
        logger.warning("backing service away", error=f"{type(error).__name__}: {error}")
        return build_problem_response(build_unavailable())

    async def interface(request: Request, error: Exception) -> Response:
        if not is_unavailable(error):
            raise error
        return await unavailable(request, error)

    app.add_exception_handler(PlatformError, platform)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(asyncpg.InterfaceError, interface)
    for kind in UNAVAILABLE_ERRORS:
        app.add_exception_handler(kind, unavailable)


def build_validation_error(error: RequestValidationError) -> PlatformError:
    """Return 422 with the path and the reason of each refused field, never its value."""
    fields = tuple(
        FieldError(
            field=format_location(item["loc"]),
            message=str(item["msg"]).removeprefix("Value error, "),
        )
        for item in error.errors()
    )
    return PlatformError(
        422, "validation_failed", "The request has fields we cannot accept.", errors=fields
    )


def format_location(location: tuple[str | int, ...]) -> str:
    """Return the client's own path of a field: without where pydantic found it."""
    parts = location[1:] if location and location[0] in ("body", "query", "path") else location
    return ".".join(str(part) for part in parts) or "body"


def build_http_error(error: HTTPException) -> PlatformError:
    """Return the problem for what the web framework itself refuses."""
    code = _HTTP_CODES.get(error.status_code, "refused")
    return PlatformError(
        error.status_code, code, str(error.detail), headers=dict(error.headers or {})
    )
