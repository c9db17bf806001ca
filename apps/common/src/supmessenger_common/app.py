"""Builds a service's HTTP application with everything that all services share."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware

from supmessenger_common.health import HealthState, ReadinessCheck, gather_readiness
from supmessenger_common.middleware import BodyLimitMiddleware, RequestMiddleware
from supmessenger_common.openapi import install_openapi
from supmessenger_common.problems import install_problem_handlers

JSON_BODY_LIMIT = 1024 * 1024
OPENAPI_PATH = "/v1/openapi.json"

# Opens what the service needs, puts it on `app.state`, yields its readiness checks, closes.
OpenResources = Callable[[FastAPI], AbstractAsyncContextManager[Sequence[ReadinessCheck]]]


def create_app(
    *,
    service: str,
    title: str,
    open_resources: OpenResources,
    routers: Sequence[APIRouter],
    cors_origins: Sequence[str] = (),
    body_limit: int | None = JSON_BODY_LIMIT,
) -> FastAPI:
    """Return the application; `body_limit` None leaves the limit to the endpoints."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(app) as checks:
            app.state.readiness_checks = tuple(checks)
            yield

    app = FastAPI(
        title=title,
        version=version("supmessenger-common"),
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.health = HealthState()
    app.state.readiness_checks = ()
    for router in (_build_health_router(), *routers):
        app.include_router(router)
    install_problem_handlers(app)
    install_openapi(app)
    _add_middleware(app, service=service, cors_origins=cors_origins, body_limit=body_limit)
    return app


def _add_middleware(
    app: FastAPI, *, service: str, cors_origins: Sequence[str], body_limit: int | None
) -> None:
    # The last one added is the outermost.
    if body_limit is not None:
        app.add_middleware(BodyLimitMiddleware, limit=body_limit)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=[
                "ETag",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
                "Retry-After",
                "X-Request-Id",
            ],
            max_age=600,
        )
    app.add_middleware(RequestMiddleware, service=service, health=app.state.health)


def _build_health_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return Response(b'{"status":"alive"}', media_type="application/json")

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        state = request.app.state
        readiness = await gather_readiness(state.health, state.readiness_checks)
        return Response(
            orjson.dumps(readiness.build_body()),
            status_code=readiness.http_status,
            media_type="application/json",
        )

    return router
