"""Prometheus as its pod runs it: the pod's own script and files, on free ports."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from support.processes.binaries import find_built
from support.processes.servers import probe_free_port

DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class PrometheusServer:
    """A running Prometheus and the folders that its pod would mount."""

    process: subprocess.Popen[bytes]
    config: Path
    credentials: Path
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> httpx.Response:
        """Ask it."""
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=10)

    def stop(self) -> int:
        """Tell it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=DEADLINE_SECONDS)


def start_prometheus(folder: Path, *, script: str, config: dict[str, object]) -> PrometheusServer:
    """Start the pod's script in a folder of its own and wait until it is ready."""
    binary = find_built("prometheus")
    assert binary is not None
    for name in ("config", "credentials"):
        (folder / name).mkdir(exist_ok=True)
    write_config(folder / "config", config)
    path = folder / "run.sh"
    path.write_text(script.replace("/tmp/", f"{folder}/"))
    port = probe_free_port()
    process = subprocess.Popen(
        [
            *("sh", str(path), f"--storage.tsdb.path={folder / 'data'}"),
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        env={
            "PATH": f"{binary.parent}:{os.environ['PATH']}",
            "CONFIG": str(folder / "config"),
            "CREDENTIALS": str(folder / "credentials"),
        },
        stderr=subprocess.DEVNULL,
    )
    server = PrometheusServer(process, folder / "config", folder / "credentials", port)
    wait_until(lambda: is_ready(server), "Prometheus did not start")
    return server


def write_config(folder: Path, config: dict[str, object]) -> None:
    """Write prometheus.yml, quoting as the operator does."""
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))


def is_ready(server: PrometheusServer) -> bool:
    """Whether it serves."""
    try:
        return server.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(is_true: Callable[[], bool], message: str) -> None:
    """Wait for a condition; fail with the message after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, message
        time.sleep(0.1)
