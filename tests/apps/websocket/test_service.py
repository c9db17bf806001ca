"""The process: health beside the sockets, limits, metrics, and an end in slices."""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from support.processes.redis import RedisServer
from support.processes.servers import probe_free_port
from support.socket_service import (
    DOMAIN,
    LIMITS,
    Client,
    Sockets,
    build_send,
    run_sockets,
)
from support.waiting import wait_until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

pytestmark = pytest.mark.services


END_CONNECTIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'websocket'
"""

WAITING = """
    SELECT count(*) > 0 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'websocket'
      AND wait_event_type = 'Lock'
"""


async def fetch(port: int, request: str) -> tuple[int, str]:
    """Return status line and body of a plain HTTP request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split(" ", 2)[1]), answer.partition("\r\n\r\n")[2]


async def wait_for_readiness(sockets: Sockets, expected: int) -> str:
    """Poll readiness until it has this status; return the body."""
    body = ""

    async def holds() -> bool:
        nonlocal body
        status, body = await fetch(sockets.port, "GET /readyz")
        return status == expected

    await wait_until(holds, what=f"readiness {expected}")
    return body


async def test_health_is_answered_beside_the_sockets(sockets: Sockets) -> None:
    assert await fetch(sockets.port, "GET /healthz") == (200, '{"status": "alive"}')
    body = json.loads(await wait_for_readiness(sockets, 200))
    assert [check["name"] for check in body["checks"]] == ["postgres", "redis-cache"]
    assert (await fetch(sockets.port, "POST /readyz"))[0] == 405
    assert (await fetch(sockets.port, "GET /elsewhere"))[0] == 404
    assert (await fetch(sockets.port, "GET /ws"))[0] == 426


async def test_readiness_names_what_fails(
    sockets: Sockets, postgres_owner_url: str, database: str
) -> None:
    await wait_for_readiness(sockets, 200)
    owner = await asyncpg.connect(postgres_owner_url)
    await owner.execute(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC, sup_app, sup_user')
    await sockets.pool.execute(END_CONNECTIONS)
    body = json.loads(await wait_for_readiness(sockets, 503))
    assert {check["name"]: check["ok"] for check in body["checks"]} == {
        "postgres": False,
        "redis-cache": True,
    }
    assert (await fetch(sockets.port, "GET /healthz"))[0] == 200
    await owner.execute(f'GRANT CONNECT ON DATABASE "{database}" TO PUBLIC')
    await owner.close()
    await wait_for_readiness(sockets, 200)


async def test_the_socket_survives_a_database_that_dropped_its_connections(
    sockets: Sockets,
) -> None:
    anna = await sockets.register("anna")
    chat = await sockets.create_chat(anna)
    client = await sockets.log_in(anna)
    await sockets.pool.execute(END_CONNECTIONS)
    frame = build_send(chat)

    async def is_stored() -> bool:
        await client.send(**frame)
        async with asyncio.timeout(10):
            while True:
                for answer in client.unread:
                    if answer["type"] in ("sent", "error"):
                        client.unread.remove(answer)
                        return bool(answer["type"] == "sent")
                await client.sync()

    await wait_until(is_stored, what="a send after lost connections")


async def test_more_sockets_than_allowed_are_refused_with_503(
    socket_bindings: Path, postgres_url: str
) -> None:
    limits = replace(LIMITS, max_connections=1)
    async with (
        run_sockets(socket_bindings, postgres_url, limits=limits) as sockets,
        sockets.open(),
    ):
        with pytest.raises(InvalidStatus) as caught:
            async with sockets.open():
                pass
        assert caught.value.response.status_code == 503


async def test_a_slow_reader_is_cut_while_others_go_on(
    socket_bindings: Path, postgres_url: str
) -> None:
    limits = replace(LIMITS, frames_burst=10_000, hard_write_bytes=256 * 1024)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, carol = [await sockets.register(name) for name in ("anna", "bert", "carol")]
        chat = await sockets.create_chat(anna, bert, carol)
        sender, reader = await sockets.log_in(anna), await sockets.log_in(bert)
        stalled = await sockets.log_in(carol)
        stalled.raw.transport.pause_reading()
        last = 0

        async def is_cut() -> bool:
            nonlocal last
            frame = build_send(chat, "x" * 90_000)
            last = (await sender.ask("sent", **frame))["seq"]
            await sender.receive("message")
            assert (await reader.receive("message"))["seq"] == last
            return sockets.server.active == 2

        await wait_until(is_cut, what="the stalled reader to be cut", seconds=60)
        # It comes back and misses nothing.
        again = await sockets.log_in(carol, resume=False)
        await again.send(type="resume", chats=[{"chat": chat, "seq": 0}])
        assert await again.receive_messages(last) == list(range(1, last + 1))


async def test_leaving_drains_with_1012(socket_bindings: Path, postgres_url: str) -> None:
    async with asyncio.timeout(30):
        async with run_sockets(socket_bindings, postgres_url) as sockets:
            people = [await sockets.register(f"member{number}") for number in range(25)]
            clients = []
            for person in people:
                url = f"ws://127.0.0.1:{sockets.port}/ws"
                raw = await connect(url, compression=None, ping_interval=None, proxy=None)
                clients.append(client := Client(raw))
                await client.ask("ready", type="auth", token=sockets.issue_token(person))
            closing = [asyncio.create_task(client.wait_closed()) for client in clients]
        assert {await task for task in closing} == {1012}


async def test_a_frame_being_handled_is_answered_before_the_drain_closes(
    sockets: Sockets,
) -> None:
    anna, _, chat = await sockets.register_pair()
    client = await sockets.log_in(anna)
    async with sockets.pool.acquire() as connection:
        async with connection.transaction():
            # The send waits for this row, so it is being handled when the drain begins.
            await connection.execute("SELECT 1 FROM chats WHERE id = $1 FOR UPDATE", chat)
            await client.send(**build_send(chat))

            async def is_waiting() -> bool:
                return bool(await sockets.pool.fetchval(WAITING))

            await wait_until(is_waiting, what="the send to wait for the row")
            draining = asyncio.create_task(sockets.server.drain(seconds=5))
            await wait_for_readiness(sockets, 503)
        assert await client.wait_closed() == 1012
        assert "sent" in [frame["type"] for frame in client.unread]
        await draining


async def test_a_draining_process_is_unready_and_takes_no_sockets(
    socket_bindings: Path, postgres_url: str
) -> None:
    limits = replace(LIMITS, close_seconds=3.0)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        slow = await sockets.log_in(await sockets.register("slow"))
        # Does not answer the close frame, so the drain lasts until it is cut.
        slow.raw.transport.pause_reading()
        draining = asyncio.create_task(sockets.server.drain(seconds=5))
        body = json.loads(await wait_for_readiness(sockets, 503))
        assert body["status"] == "draining"
        assert (await fetch(sockets.port, "GET /healthz"))[0] == 200
        with pytest.raises(InvalidStatus) as caught:
            async with sockets.open():
                pass
        assert caught.value.response.status_code == 503
        slow.raw.transport.resume_reading()
        async with asyncio.timeout(10):
            await draining
        assert sockets.server.active == 0


async def test_the_process_serves_drains_on_sigterm_and_exits_0(
    sockets: Sockets, socket_bindings: Path, redis_cache: RedisServer
) -> None:
    port, metrics_port = probe_free_port(), probe_free_port()
    script = Path(sys.executable).parent / "sup-websocket"
    environment = {
        "PATH": os.environ["PATH"],
        "SERVICE_BINDING_ROOT": str(socket_bindings),
        "SUP_DOMAIN": DOMAIN,
        "SUP_HOST": "127.0.0.1",
        "SUP_PORT": str(port),
        "SUP_METRICS_PORT": str(metrics_port),
        "SUP_DRAIN_SECONDS": "5",
    }
    process = await asyncio.create_subprocess_exec(
        str(script), env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:

        async def is_ready() -> bool:
            try:
                return (await fetch(port, "GET /readyz"))[0] == 200
            except OSError:
                return False

        await wait_until(is_ready, what="the process to be ready", seconds=30)
        anna, bert = await sockets.register("anna"), await sockets.register("bert")
        chat = await sockets.create_chat(anna, bert)
        there = await sockets.log_in(bert, port=port)
        here = await sockets.log_in(anna)
        await here.ask("sent", **build_send(chat, "to the other process"))
        assert (await there.receive("message"))["content"] == "to the other process"

        def read_metrics() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
                return str(answer.read().decode())

        text = await asyncio.to_thread(read_metrics)
        assert "websocket_connections_active 1.0" in text
        process.send_signal(signal.SIGTERM)
        assert await there.wait_closed() == 1012
        async with asyncio.timeout(10):
            output, _ = await process.communicate()
        assert process.returncode == 0
        assert b'"event":"stopped"' in output
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
