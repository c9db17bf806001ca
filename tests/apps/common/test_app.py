"""What surrounds every request of an HTTP service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from supmessenger_common.app import create_app
from supmessenger_common.errors import PlatformError
from supmessenger_common.health import ReadinessCheck

router = APIRouter(prefix="/v1/things")


class Thing(BaseModel):
    """A thing with parts."""

    parts: list[Annotated[int, Field(ge=0)]]


@router.post("/{name}")
async def create_thing(name: str, thing: Thing) -> Thing:
    """Take a thing."""
    return thing


@router.get("/{name}/refused")
async def refuse_thing(name: str, request: Request) -> Thing:
    """Refuse with everything a problem may carry."""
    request.state.answer_headers = {"RateLimit-Limit": "7"}
    raise PlatformError(
        409, "taken", "It is taken.", extra={"missing": ["x"]}, headers={"Retry-After": "3"}
    )


@router.get("/{name}/broken")
async def break_thing(name: str) -> Thing:
    """Fail as a bug does."""
    raise ZeroDivisionError("secret detail")


@router.get("/{name}/away")
async def miss_thing(name: str) -> Thing:
    """Fail as a backing service does."""
    raise ConnectionRefusedError("10.0.0.1:5432")


@router.get("")
async def list_things(limit: Annotated[int, Query(le=5)] = 1) -> Thing:
    """Take a query."""
    return Thing(parts=[limit])


@asynccontextmanager
async def open_nothing(app: FastAPI) -> AsyncIterator[Sequence[ReadinessCheck]]:
    """A service without resources."""
    yield ()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A small service."""
    app = create_app(
        service="test", title="Test", open_resources=open_nothing, routers=[router], body_limit=100
    )
    transport = httpx.ASGITransport(app)
    # Without a configuration the default renderer draws whole frames of a traceback.
    with capture_logs():
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client


async def test_a_refused_field_is_named_by_its_path(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/things/a", json={"parts": [1, -2]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "parts.1", "message": "Input should be greater than or equal to 0"}
    ]
    query = await client.get("/v1/things", params={"limit": 9})
    assert query.json()["errors"][0]["field"] == "limit"
    for body in (b"", b"{"):
        broken = await client.post("/v1/things/a", content=body)
        assert (broken.status_code, broken.json()["code"]) == (422, "validation_failed")


async def test_a_problem_carries_its_members_and_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things/a/refused")
    assert answer.json() == {
        "type": "urn:supmessenger:problem:taken",
        "title": "Conflict",
        "status": 409,
        "code": "taken",
        "detail": "It is taken.",
        "missing": ["x"],
    }
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["retry-after"], answer.headers["ratelimit-limit"]) == ("3", "7")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/things/a/broken", 500, "internal_error"),
        ("/v1/things/a/away", 503, "unavailable"),
        ("/v1/nothing", 404, "not_found"),
        ("/v1/things/a", 405, "method_not_allowed"),
    ],
)
async def test_every_failure_is_a_problem_that_hides_its_cause(
    client: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret detail" not in answer.text
    assert "10.0.0.1" not in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(
    client: httpx.AsyncClient, *, chunked: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 50

    content = chunks() if chunked else b" " * 101
    answer = await client.post("/v1/things/a", content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_plain_request_id_is_kept_and_any_other_replaced(
    client: httpx.AsyncClient,
) -> None:
    kept = await client.get("/healthz", headers={"X-Request-Id": "abc-1.2_3"})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    for wrong in ("a b", "x" * 65, '"}{"'):
        answer = await client.get("/healthz", headers={"X-Request-Id": wrong})
        assert answer.headers["x-request-id"] not in ("", wrong)


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/v1/things", "/v1/nothing", "/v1/things/a/broken"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_requests_are_counted_by_the_template_of_their_route(
    client: httpx.AsyncClient,
) -> None:
    labels = {
        "service": "test",
        "method": "POST",
        "route": "/v1/things/{name}",
        "status": "200",
    }

    def read_count() -> float:
        return REGISTRY.get_sample_value("http_requests_total", labels) or 0

    before = read_count()
    for name in ("a", "b"):
        await client.post(f"/v1/things/{name}", json={"parts": []})
    assert read_count() == before + 2
    unmatched = {**labels, "method": "GET", "route": "unmatched", "status": "404"}
    await client.get("/v1/random-path")
    assert (REGISTRY.get_sample_value("http_requests_total", unmatched) or 0) >= 1
