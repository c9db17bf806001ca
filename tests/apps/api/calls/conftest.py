"""An API with calls for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.call_service import CallsApi, open_calls_api
from support.processes.coturn import TurnServer, start_coturn
from support.processes.servers import Run

from supmessenger_common.database import Pool


@pytest.fixture(scope="session")
def turn_server(server_run: Run) -> TurnServer:
    """The run's relay."""
    return start_coturn(server_run)


@pytest.fixture
async def calls(
    server_run: Run, postgres: Pool, api_bindings: Path, turn_server: TurnServer
) -> AsyncIterator[CallsApi]:
    """The API, a media server of its own and the run's relay."""
    async with open_calls_api(server_run, postgres, api_bindings, turn=turn_server) as running:
        yield running
