"""Prometheus' pod with the real program: it reads changed files again and keeps secrets."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.processes.prometheus import (
    PrometheusServer,
    start_prometheus,
    wait_until,
    write_config,
)

from supmessenger_operator.desired.scraping import USERNAME_MARK
from supmessenger_operator.desired.templates import build_file
from supmessenger_worker.checks.model import CheckFailedError
from supmessenger_worker.checks.prometheus import PrometheusProbe

pytestmark = pytest.mark.services

_NAME = "o'brien & \\sons|1"


class Store(ThreadingHTTPServer):
    """A store elsewhere: what was asked of it, and what it answers."""

    answer = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.logins: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.logins.append(self.headers.get("Authorization", ""))
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def store() -> Iterator[Store]:
    """A store elsewhere that takes everything."""
    server = Store()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prometheus(tmp_path: Path, store: Store) -> Iterator[PrometheusServer]:
    """A Prometheus that asks itself and writes to the store."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "username").write_text(_NAME)
    (credentials / "password").write_text("secret word")
    server = start_prometheus(
        tmp_path,
        script=build_file("prometheus-run.sh"),
        config=build_config(store, password=credentials / "password"),
    )
    yield server
    server.stop()


def build_config(store: Store, *, password: Path, interval: str = "1s") -> dict[str, object]:
    """Return a configuration with the marks that the operator leaves in it."""
    port = store.server_address[1]
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": "1s"},
        "remote_write": [
            {
                "url": f"http://127.0.0.1:{port}/write",
                "basic_auth": {"username": USERNAME_MARK, "password_file": str(password)},
                "queue_config": {"batch_send_deadline": "500ms", "max_backoff": "500ms"},
                "metadata_config": {"send": False},
            }
        ],
    }


def test_changed_files_are_taken_up_without_a_restart(
    prometheus: PrometheusServer, store: Store
) -> None:
    before = prometheus.process.pid
    password = prometheus.credentials / "password"
    write_config(prometheus.config, build_config(store, password=password, interval="7s"))
    wait_until(
        lambda: "scrape_interval: 7s" in prometheus.get("/api/v1/status/config").text,
        "the new configuration was not taken up",
    )
    assert prometheus.process.pid == before
    assert prometheus.process.poll() is None


def test_a_broken_file_changes_nothing_and_is_told(prometheus: PrometheusServer) -> None:
    (prometheus.config / "prometheus.yml").write_text("no: configuration")
    reloaded = "prometheus_config_last_reload_successful"
    wait_until(lambda: f"\n{reloaded} 0\n" in prometheus.get("/metrics").text, "nothing was told")
    assert "scrape_interval: 1s" in prometheus.get("/api/v1/status/config").text


def test_any_name_reaches_the_store_and_no_secret_the_configuration(
    prometheus: PrometheusServer,
) -> None:
    shown = prometheus.get("/api/v1/status/config").json()["data"]["yaml"]
    assert "secret word" not in shown
    assert "o''brien & \\sons|1" in shown or "o'brien & \\sons|1" in shown
    assert USERNAME_MARK not in shown


def test_it_ends_when_it_is_told(prometheus: PrometheusServer) -> None:
    assert prometheus.stop() == 0


async def test_a_store_that_refuses_is_named_with_the_fields(
    prometheus: PrometheusServer, store: Store, tmp_path: Path
) -> None:
    config = build_config(store, password=prometheus.credentials / "password")
    target = f"127.0.0.1:{prometheus.port}"
    write_config(
        prometheus.config,
        config
        | {"scrape_configs": [{"job_name": "self", "static_configs": [{"targets": [target]}]}]},
    )
    wait_until(lambda: bool(store.logins), "nothing was written")
    login = base64.b64decode(store.logins[-1].removeprefix("Basic ")).decode()
    assert login == f"{_NAME}:secret word"
    probe = PrometheusProbe(prometheus.url)
    assert (await probe()).version

    store.answer = 401
    failed = "prometheus_remote_storage_samples_failed_total"

    def has_failed() -> bool:
        lines = prometheus.get("/metrics").text.splitlines()
        return any(one.startswith(failed) and not one.endswith(" 0") for one in lines)

    wait_until(has_failed, "nothing was refused")
    with pytest.raises(CheckFailedError, match="credentialsSecretRef"):
        await probe()
