"""What a worker works with in each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.bindings import build_smtp_binding, write_binding
from support.mail_sink import MailSink, open_mail_sink
from support.processes.livekit import LivekitServer, start_livekit
from support.processes.servers import Run, probe_free_port
from support.worker_service import Jobs, open_jobs

from supmessenger_common.database import Pool


@pytest.fixture
async def mail_sink(binding_root: Path) -> AsyncIterator[MailSink]:
    """A mail server, bound as `smtp`."""
    async with open_mail_sink() as sink:
        write_binding(binding_root, "smtp", build_smtp_binding(sink.port))
        yield sink


@pytest.fixture
async def jobs(binding_root: Path, postgres: Pool) -> AsyncIterator[Jobs]:
    """The outbox and the queues."""
    async with open_jobs(binding_root, postgres) as found:
        yield found


@pytest.fixture
def livekit(server_run: Run) -> Iterator[LivekitServer]:
    """A media server whose webhook reaches nobody."""
    server = start_livekit(server_run, webhook_url=f"http://127.0.0.1:{probe_free_port()}/")
    yield server
    server.stop()
