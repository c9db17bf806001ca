"""A running API for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from support.api_service import Api, open_api

from supmessenger_common.database import Pool


@pytest.fixture(autouse=True)
def plain_log() -> Iterator[None]:
    """Print tracebacks as they are: the default renderer draws every frame for seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def api_bindings(
    bindings_folder: Path, postgres_binding: Path, redis_bindings: Path, credentials_binding: Path
) -> Path:
    """The bindings the API reads."""
    return bindings_folder


@pytest.fixture
async def api(postgres: Pool, api_bindings: Path) -> AsyncIterator[Api]:
    """The API with accounts that are active at once and without rate limits."""
    async with open_api(postgres, api_bindings) as running:
        yield running
