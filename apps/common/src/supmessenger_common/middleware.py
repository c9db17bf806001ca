"""What surrounds every HTTP request: id, log line, metrics, headers and body limit."""

import re
import time

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supmessenger_common.errors import build_internal_error
from supmessenger_common.health import HealthState
from supmessenger_common.identifiers import create_id
from supmessenger_common.log import get_logger
from supmessenger_common.metrics import HTTP_REQUESTS, HTTP_SECONDS
from supmessenger_common.problems import build_problem_response

logger = get_logger("http")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBE_PATHS = frozenset({"/healthz", "/readyz"})
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class RequestMiddleware:
    """Gives each request an id, answers the unexpected, logs and counts."""

    def __init__(self, app: ASGIApp, *, service: str, health: HealthState) -> None:
        self._app = app
        self._service = service
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = compute_request_id(Headers(scope=scope).get("x-request-id"))
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _add_headers(message, request_id, scope)
                if self._health.draining:
                    # The edge's idle connections must end before this process does.
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:  # the last resort: a bug is logged whole and told as 500
            logger.exception("request failed")
            if status:
                raise
            response = build_problem_response(build_internal_error())
            await response(scope, receive, send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], compute_route(scope)
        HTTP_REQUESTS.labels(self._service, method, route, str(status)).inc()
        HTTP_SECONDS.labels(self._service, method, route).observe(seconds)
        write = logger.debug if scope["path"] in _PROBE_PATHS else logger.info
        write(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )


def compute_request_id(given: str | None) -> str:
    """Return the caller's id when it is a plain one, otherwise a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else create_id().hex


def compute_route(scope: Scope) -> str:
    """Return the route's template, so that ids in paths never become metric labels."""
    return getattr(scope.get("route"), "path", "unmatched")


def _add_headers(message: Message, request_id: str, scope: Scope) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    # What an endpoint wants in every answer, problems too: `request.state.answer_headers`.
    for name, value in scope.get("state", {}).get("answer_headers", {}).items():
        headers.setdefault(name, value)
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)


class BodyLimitMiddleware:
    """Refuses bodies over a limit before they are read into memory."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, counting what arrives."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _declared_length(scope)
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            if seen > self._limit:
                raise self._too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise self._too_large()
            return message

        await self._app(scope, receive_counted, send)

    def _too_large(self) -> HTTPException:
        # The framework passes this one on unchanged while it reads a body.
        return HTTPException(413, f"The body may hold at most {self._limit} bytes.")


def _declared_length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
