"""The socket service of a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.socket_service import Sockets, run_sockets


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
