"""The checker against real services: each that is down is told by its name, in time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from support.bindings import build_smtp_binding, write_binding
from support.listeners import hold_silent_port, serve_connections
from support.mail_sink import MailSink
from support.processes.servers import probe_free_port
from support.worker_service import Worker, run_worker

pytestmark = pytest.mark.services
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
UNREADY = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 8\r\nConnection: close\r\n\r\npostgres"
BACKING = ["postgres", "redis-cache", "redis-state", "rabbitmq", "object-storage"]
ADDRESSES = ["api", "websocket", "media", "edge"]


async def ask(worker: Worker, method: str = "POST") -> dict[str, dict[str, Any]]:
    answer = await worker.client.request(method, "/v1/checks")
    assert answer.status_code == 200, answer.text
    return {check["name"]: check for check in answer.json()["checks"]}


async def test_everything_well_is_told_with_versions(
    binding_root: Path, mail_sink: MailSink
) -> None:
    async with serve_connections(answer=READY) as port:
        url = f"http://127.0.0.1:{port}"
        urls: dict[str, Any] = {f"check_{name}_url": url for name in ADDRESSES}
        async with run_worker(binding_root, **urls) as worker:
            checks = await ask(worker)
            report = (await worker.client.get("/v1/checks")).json()
    assert list(checks) == [*BACKING, *ADDRESSES, "smtp"]
    assert [check["message"] for check in checks.values() if not check["ok"]] == []
    assert checks["postgres"]["version"].startswith("16.")
    assert checks["redis-cache"]["version"].startswith("7.")
    assert checks["rabbitmq"]["version"].startswith("3.")
    assert checks["object-storage"]["version"] is None
    assert all(0 <= check["latencyMs"] < 2000 for check in checks.values())
    assert report["checkedAt"].endswith("Z")
    assert list(checks.values()) == report["checks"]


async def test_what_an_instance_does_not_have_is_not_checked(binding_root: Path) -> None:
    async with run_worker(binding_root) as worker:
        assert list(await ask(worker, "GET")) == BACKING


@pytest.mark.parametrize(
    ("name", "binding", "key"),
    [
        ("postgres", "postgres", "password"),
        ("redis-cache", "redis-cache", "password"),
        ("redis-state", "redis-state", "password"),
        ("rabbitmq", "rabbitmq", "password"),
        ("object-storage", "object-storage", "secret-access-key"),
    ],
)
async def test_a_wrong_password_is_found_out(
    binding_root: Path, name: str, binding: str, key: str
) -> None:
    write_binding(binding_root, binding, {key: "wrong"})
    await expect_down(binding_root, name)


@pytest.mark.parametrize("name", BACKING)
async def test_a_closed_port_is_found_out(binding_root: Path, name: str) -> None:
    port = probe_free_port()
    key = {"endpoint": f"http://127.0.0.1:{port}"} if name == "object-storage" else {}
    write_binding(binding_root, name, key or {"port": str(port)})
    await expect_down(binding_root, name)


async def expect_down(bindings: Path, name: str) -> None:
    async with run_worker(bindings, ready=False) as worker:
        began = time.monotonic()
        checks = await ask(worker)
        assert time.monotonic() - began < 3
    assert [check["name"] for check in checks.values() if not check["ok"]] == [name]
    assert checks[name]["message"]


async def test_services_that_answer_wrongly_or_not_at_all_are_found_out(
    binding_root: Path,
) -> None:
    write_binding(binding_root, "smtp", build_smtp_binding(probe_free_port()))
    async with serve_connections(answer=UNREADY) as unready, hold_silent_port() as silent:
        urls: dict[str, Any] = {
            "check_api_url": f"http://127.0.0.1:{unready}",
            "check_websocket_url": f"http://127.0.0.1:{silent}",
            "check_media_url": f"http://127.0.0.1:{probe_free_port()}",
            "check_edge_url": f"https://127.0.0.1:{silent}",
        }
        async with run_worker(binding_root, **urls) as worker:
            began = time.monotonic()
            checks = await ask(worker)
            assert time.monotonic() - began < 3
    failed = [check["name"] for check in checks.values() if not check["ok"]]
    assert failed == [*ADDRESSES, "smtp"]
    assert checks["api"]["message"] == "/readyz answers 503: postgres"
    assert all(checks[name]["message"] for name in failed)


async def test_a_schema_behind_the_image_is_told(binding_root: Path) -> None:
    async with run_worker(binding_root, ready=False, expected_schema="999_future") as worker:
        message = (await ask(worker))["postgres"]["message"]
        readiness = (await worker.client.get("/readyz")).json()
    assert message.endswith("behind 999_future: run the migrations")
    schema = next(check for check in readiness["checks"] if check["name"] == "schema")
    assert not schema["ok"]
    assert "this release expects 999_future" in schema["message"]
