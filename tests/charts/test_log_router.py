"""The router of logs as a real nginx: where lines go, where they can't, and how long that takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from support.name_server import serve_names
from support.processes.binaries import ROOT, find_nginx
from support.processes.servers import probe_free_port

pytestmark = pytest.mark.services

CONF = ROOT / "charts/sup-operator/files/log-router.conf"
PUSH = "/loki/api/v1/push"
# One address of the machine for each Loki, all on one port: as Services are.
NAMES = {
    "demo-loki.chat.svc.cluster.local": "127.0.0.1",
    "demo-loki.other.svc.cluster.local": "127.0.0.2",
    "dead-loki.chat.svc.cluster.local": "127.0.0.3",
    "hung-loki.chat.svc.cluster.local": "127.0.0.4",
}


@dataclass
class Stage:
    """A router under test, what its Lokis got and which names it asked for."""

    url: str
    asked: list[str] = field(default_factory=list)
    got: list[tuple[str, bytes]] = field(default_factory=list)

    async def push(self, tenant: str | None, body: bytes = b"lines") -> tuple[int, float]:
        """Push as Promtail does; returns the status and the seconds it took."""
        headers = {} if tenant is None else {"X-Scope-OrgID": tenant}
        # Making a client takes longer than the router does.
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            began = time.monotonic()
            answer = await client.post(f"{self.url}{PUSH}", content=body, headers=headers)
            return answer.status_code, time.monotonic() - began


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The router with two Lokis that answer, one that hangs and one that is not there."""
    loki, port = probe_free_port(), probe_free_port()
    made = Stage(url=f"http://127.0.0.1:{port}")
    nginx = find_nginx()
    assert nginx is not None
    async with (
        serve_names(NAMES, made.asked) as names,
        serve_loki(made, "127.0.0.1", loki),
        serve_loki(made, "127.0.0.2", loki),
        serve_loki(made, "127.0.0.4", loki, silent=True),
    ):
        text = CONF.read_text().replace("{{ .Values.clusterDomain }}", "cluster.local")
        for fixed, free in {
            "/tmp/router": str(tmp_path),
            "127.0.0.1:3500": f"127.0.0.1:{port}",
            ":3100": f":{loki}",
            "@RESOLVERS@": f"127.0.0.1:{names}",
        }.items():
            assert fixed in text
            text = text.replace(fixed, free)
        (tmp_path / "nginx.conf").write_text(text)
        conf = str(tmp_path / "nginx.conf")
        command = [str(nginx), "-e", "stderr", "-c", conf, "-g", "daemon off;"]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await wait_until_open(port)
            yield made
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)


@asynccontextmanager
async def serve_loki(
    stage: Stage, address: str, port: int, *, silent: bool = False
) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if silent:
                await reader.read()
                return
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            stage.got.append((address, head + await reader.readexactly(size)))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    async with await asyncio.start_server(serve, address, port):
        yield


async def wait_until_open(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_lines_go_to_the_loki_of_their_own_instance(stage: Stage) -> None:
    assert [(await stage.push(t, t.encode()))[0] for t in ("chat_demo", "other_demo")] == [204, 204]
    assert [address for address, _ in stage.got] == ["127.0.0.1", "127.0.0.2"]
    first, second = (body for _, body in stage.got)
    assert first.endswith(b"chat_demo")
    assert second.endswith(b"other_demo")
    # A Loki has one instance only: it is not told of a tenant.
    assert b"scope-orgid" not in first.lower()


@pytest.mark.parametrize(
    "tenant",
    [
        None,
        "",
        "chat",
        "chat_",
        "_demo",
        "chat_demo_x",
        "chat_Demo",
        "chat_demo.other",
        "chat_demo/../x",
        "chat_demo:9000",
        "chat_demo@127.0.0.1",
        "chat_127.0.0.1",
        "chat.svc_demo",
        "chat_-demo",
        "chat_demo-",
        f"chat_{'d' * 60}",
        "chat_demo x",
    ],
)
async def test_a_name_that_is_none_leads_nowhere(stage: Stage, tenant: str | None) -> None:
    status, _ = await stage.push(tenant)
    assert status == 400
    assert stage.asked == []
    assert stage.got == []


async def test_an_instance_without_loki_is_done_with_at_once(stage: Stage) -> None:
    status, seconds = await stage.push("chat_off")
    assert status == 204
    assert seconds < 2
    assert stage.got == []


async def test_a_loki_that_is_away_is_to_be_tried_again(stage: Stage) -> None:
    status, seconds = await stage.push("chat_dead")
    assert status == 503
    assert seconds < 2


async def test_a_loki_that_hangs_is_given_up_and_not_tried_again(stage: Stage) -> None:
    status, seconds = await stage.push("chat_hung")
    assert status == 424
    assert 3 < seconds < 8


async def test_only_pushing_is_let_through(stage: Stage) -> None:
    headers = {"X-Scope-OrgID": "chat_demo"}
    async with httpx.AsyncClient(base_url=stage.url, trust_env=False, headers=headers) as client:
        assert (await client.get(PUSH)).status_code == 403
        assert (await client.post("/flush")).status_code == 404
        assert (await client.post(f"{PUSH}/../query")).status_code == 404
    assert stage.got == []
