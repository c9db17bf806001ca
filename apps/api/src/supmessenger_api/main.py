"""The REST API: composes the nouns and serves them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from supmessenger_api.accounts import endpoints as accounts
from supmessenger_api.calls import endpoints as calls
from supmessenger_api.chats import endpoints as chats
from supmessenger_api.keys import endpoints as keys
from supmessenger_api.messages import endpoints as messages
from supmessenger_api.push import endpoints as push
from supmessenger_api.resources import open_resources
from supmessenger_api.sessions import endpoints as sessions
from supmessenger_api.settings import ApiSettings
from supmessenger_api.users import endpoints as users
from supmessenger_common.app import create_app
from supmessenger_common.health import ReadinessCheck
from supmessenger_common.server import run_service

ROUTERS: tuple[APIRouter, ...] = (
    accounts.router,
    sessions.router,
    users.router,
    keys.router,
    chats.router,
    messages.router,
    push.router,
    calls.router,
)


def build_app(settings: ApiSettings) -> FastAPI:
    """Return the application; nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def provide_resources(app: FastAPI) -> AsyncIterator[Sequence[ReadinessCheck]]:
        async with open_resources(settings) as resources:
            app.state.resources = resources
            yield resources.checks

    return create_app(
        service="api",
        title="SUP Messenger API",
        open_resources=provide_resources,
        routers=ROUTERS,
        cors_origins=settings.cors_origins,
    )


def main() -> None:
    """Run the API until it is told to stop."""
    settings = ApiSettings()
    run_service(build_app(settings), settings, service="api")
