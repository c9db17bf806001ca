"""The socket service of a test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop
from support.publishing import open_publisher
from support.socket_service import Sockets, run_sockets

from supmessenger_common.messages.publish import Publisher

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def pytest_asyncio_loop_factories() -> dict[str, "Callable[[], AbstractEventLoop]"]:
    """Run on the service's own event loop: its transports behave differently from asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def socket_bindings(
    bindings_folder: Path, postgres_binding: Path, redis_bindings: Path, credentials_binding: Path
) -> Path:
    """The bindings the socket service reads."""
    return bindings_folder


@pytest.fixture
async def sockets(socket_bindings: Path, postgres_url: str) -> AsyncIterator[Sockets]:
    """A running service with the usual limits."""
    async with run_sockets(socket_bindings, postgres_url) as running:
        yield running


@pytest.fixture
async def publisher(sockets: Sockets) -> AsyncIterator[Publisher]:
    """Says what happened, beside the service."""
    async with open_publisher(sockets.settings.service_binding_root) as publisher:
        yield publisher
