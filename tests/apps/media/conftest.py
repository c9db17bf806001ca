"""A running media service for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support.media_service import DOMAIN, MAX_UPLOAD_SIZE, Media, run_app

from supmessenger_common.database import Pool
from supmessenger_media.main import build_app
from supmessenger_media.settings import MediaSettings


@pytest.fixture
async def media(
    postgres: Pool,
    postgres_binding: Path,
    redis_bindings: Path,
    object_storage_binding: Path,
    credentials_binding: Path,
    bindings_folder: Path,
) -> AsyncIterator[Media]:
    """The service as it runs in its pod."""
    settings = MediaSettings(
        SERVICE_BINDING_ROOT=bindings_folder, domain=DOMAIN, max_upload_size=MAX_UPLOAD_SIZE
    )
    app = build_app(settings)
    async with run_app(app, settings) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            yield Media(client, app, port, postgres, bindings_folder)
