"""The check of Loki against a real one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.listeners import serve_connections
from support.processes.loki import run_loki
from support.processes.servers import Run, probe_free_port

from supmessenger_worker.checks.board import Check, run_check
from supmessenger_worker.checks.loki import LokiProbe
from supmessenger_worker.checks.model import CheckResult

pytestmark = pytest.mark.services


async def check(probe: LokiProbe) -> CheckResult:
    return await run_check(Check("loki", probe), timeout=60)


async def test_what_the_check_writes_is_kept_and_its_version_told(
    server_run: Run, tmp_path: Path
) -> None:
    with run_loki(server_run, tmp_path) as port:
        url = f"http://127.0.0.1:{port}"
        result = await check(LokiProbe(url, instance="demo"))
        assert (result.ok, result.message) == (True, "")
        assert (result.version or "").startswith("3.")
        lines = await query(url, '{instance="demo", container="check"}')
    assert [json.loads(line) for line in lines] == [{"event": "check"}]
    gone = await check(LokiProbe(url, instance="demo"))
    assert not gone.ok
    assert gone.message


async def test_a_line_is_found_by_the_id_of_its_request_and_old_lines_are_refused(
    server_run: Run, tmp_path: Path
) -> None:
    with run_loki(server_run, tmp_path) as port:
        url = f"http://127.0.0.1:{port}"
        assert await push(url, "about it", request_id="one-request") == 204
        assert await push(url, "about another", request_id="another") == 204
        assert await query(url, '{component="api"} | request_id="one-request"') == ["about it"]
        assert await push(url, "from long ago", request_id="x", age=8 * 24 * 3600) == 400


async def test_a_server_that_is_no_loki_is_no_loki() -> None:
    answer = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 8\r\nConnection: close\r\n\r\nstarting"
    async with serve_connections(answer=answer) as port:
        result = await check(LokiProbe(f"http://127.0.0.1:{port}", instance="demo"))
    assert (result.ok, result.message) == (False, "/ready answers 503: starting")
    closed = await check(LokiProbe(f"http://127.0.0.1:{probe_free_port()}", instance="demo"))
    assert not closed.ok


async def push(url: str, line: str, *, request_id: str, age: int = 0) -> int:
    entry: list[Any] = [str(time.time_ns() - age * 10**9), line, {"request_id": request_id}]
    body = {"streams": [{"stream": {"component": "api"}, "values": [entry]}]}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return (await client.post(f"{url}/loki/api/v1/push", json=body)).status_code


async def query(url: str, words: str) -> list[str]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"{url}/loki/api/v1/query_range", params={"query": words})
    return [text for stream in answer.json()["data"]["result"] for _, text in stream["values"]]
