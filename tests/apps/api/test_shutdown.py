"""The process as its pod runs it: it starts, drains and ends with exit code 0."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from support.api_service import DOMAIN, open_api
from support.processes.servers import probe_free_port
from support.waiting import wait_until

from supmessenger_common.database import Pool

pytestmark = pytest.mark.services

COMMAND = (sys.executable, "-c", "from supmessenger_api.main import main; main()")


@asynccontextmanager
async def run_process(
    bindings: Path, log: Path, port: int, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdout=output,
            stderr=output,
            env={
                "PATH": os.environ["PATH"],
                "SERVICE_BINDING_ROOT": str(bindings),
                "SUP_DOMAIN": DOMAIN,
                "SUP_HOST": "127.0.0.1",
                "SUP_PORT": str(port),
                **env,
            },
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_request_in_flight_is_finished_before_the_process_ends(
    postgres: Pool, api_bindings: Path, tmp_path: Path
) -> None:
    async with open_api(postgres, api_bindings) as api:
        alice, bob = await api.join("alice"), await api.join("bob")
        chat_id = await alice.create_chat(bob)
    port, metrics_port = probe_free_port(), probe_free_port()
    log = tmp_path / "log"
    env = {"SUP_METRICS_PORT": str(metrics_port), "SUP_DRAIN_SECONDS": "12"}
    url = f"http://127.0.0.1:{port}"
    async with (
        run_process(api_bindings, log, port, **env) as process,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
    ):

        async def status() -> int:
            try:
                return (await client.get("/readyz")).status_code
            except httpx.TransportError:
                return 0

        async def is_ready() -> bool:
            assert process.returncode is None, log.read_text()
            return await status() == 200

        async def is_draining() -> bool:
            return await status() == 503

        async def is_waiting() -> bool:
            waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            return bool(await postgres.fetchval(waits + "AND wait_event_type = 'Lock'"))

        await wait_until(is_ready, what="the service to be ready", seconds=20)
        alice.client = client
        async with postgres.acquire() as connection:
            async with connection.transaction():
                await connection.execute("SELECT FROM chats WHERE id = $1 FOR UPDATE", chat_id)
                sending = asyncio.create_task(alice.send(chat_id, "a last word"))
                await wait_until(is_waiting, what="the send to reach the database")
                process.send_signal(signal.SIGTERM)
                await wait_until(is_draining, what="readiness to say 503")
                health = await client.get("/healthz")
                assert (health.status_code, health.headers["connection"]) == (200, "close")
                metrics = await client.get(f"http://127.0.0.1:{metrics_port}/metrics")
                assert 'route="/readyz"' in metrics.text
            sent = await sending
        assert sent.status_code == 201, sent.text
        async with asyncio.timeout(15):
            assert await process.wait() == 0, log.read_text()
    lines = log.read_text()
    assert '"event":"stopped"' in lines
    assert "a last word" not in lines
    assert alice.access_token not in lines


async def test_a_missing_binding_ends_the_start_with_its_path(
    api_bindings: Path, tmp_path: Path
) -> None:
    missing = api_bindings / "redis-state" / "host"
    missing.unlink()
    log = tmp_path / "log"
    env = {"SUP_METRICS_PORT": str(probe_free_port())}
    async with run_process(api_bindings, log, probe_free_port(), **env) as process:
        async with asyncio.timeout(20):
            assert await process.wait() != 0
    assert f"{missing} is missing" in log.read_text()
