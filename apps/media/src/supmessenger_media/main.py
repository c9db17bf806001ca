"""Composes the media service and runs it: `sup-media`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from supmessenger_common.app import create_app
from supmessenger_common.auth import AccessTokens
from supmessenger_common.bindings import (
    read_credentials,
    read_object_storage,
    read_postgres,
    read_redis,
)
from supmessenger_common.database import open_pool, probe_database
from supmessenger_common.health import ReadinessCheck
from supmessenger_common.objects import open_bucket
from supmessenger_common.redis_clients import open_redis
from supmessenger_common.server import run_service
from supmessenger_common.sessions import SessionGuard
from supmessenger_common.settings import parse_comma_separated
from supmessenger_media.files import endpoints
from supmessenger_media.files.repository import FileRepository
from supmessenger_media.files.service import FileService
from supmessenger_media.files.slots import UploadSlots
from supmessenger_media.files.storage import MediaStorage
from supmessenger_media.files.upload import Uploader
from supmessenger_media.pictures.limits import gather_picture_limits
from supmessenger_media.pictures.studio import PictureStudio
from supmessenger_media.renditions import endpoints as renditions
from supmessenger_media.renditions.repository import RenditionRepository
from supmessenger_media.renditions.service import RenditionService
from supmessenger_media.settings import MediaSettings

SERVICE = "media"


def build_app(settings: MediaSettings) -> FastAPI:
    """Return the application; nothing is opened before it starts."""

    @asynccontextmanager
    async def open_resources(app: FastAPI) -> AsyncIterator[Sequence[ReadinessCheck]]:
        root = settings.service_binding_root
        credentials = read_credentials(root)
        # No connection yet: the service starts without the database and is not ready then.
        pool = await open_pool(
            read_postgres(root),
            size=settings.postgres_pool_size,
            application_name="sup-media",
            minimum=0,
        )
        redis = open_redis(read_redis(root, "redis-state"), client_name="sup-media")
        storage = MediaStorage(open_bucket(read_object_storage(root), "media"))
        uploader = Uploader(
            storage, PictureStudio(gather_picture_limits()), limit=settings.max_upload_size
        )
        app.state.tokens = AccessTokens(credentials.jwt_secret, settings.domain)
        app.state.sessions = SessionGuard(pool, redis)
        app.state.files = FileService(
            FileRepository(pool), storage, uploader, transcoding=settings.transcoding_enabled
        )
        app.state.renditions = RenditionService(RenditionRepository(pool), storage)
        app.state.max_upload_size = settings.max_upload_size
        app.state.upload_slots = UploadSlots()
        try:
            yield (
                ReadinessCheck("postgres", partial(probe_database, pool)),
                ReadinessCheck("object-storage", storage.probe),
            )
        finally:
            await pool.close()
            await redis.aclose()

    return create_app(
        service=SERVICE,
        title="SUP Messenger media",
        open_resources=open_resources,
        routers=[endpoints.router, renditions.router],
        cors_origins=parse_comma_separated(settings.cors_allowed_origins),
        # Files are limited where they are read: by their own size, not by the form's.
        body_limit=None,
    )


def main() -> None:
    """Run the service until it is told to end."""
    settings = MediaSettings()
    run_service(build_app(settings), settings, service=SERVICE)
