"""A Loki with the configuration that the operator gives it, for one test."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.messengers import make_messenger
from support.processes.binaries import find_built
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    stop_guardian,
    wait_until_ready,
)

from supmessenger_operator.desired.loki import build_configuration


@contextmanager
def run_loki(run: Run, folder: Path) -> Iterator[int]:
    """Run Loki with its data in `folder`; yields its port."""
    binary = find_built("loki")
    assert binary is not None, "checked by the tier's requirements"
    port, name = probe_free_port(), f"loki-{folder.name}"
    text = build_configuration(make_messenger())
    for fixed, free in {
        "http_listen_port: 3100": f"http_listen_port: {port}\n  http_listen_address: 127.0.0.1",
        "grpc_listen_port: 9095": f"grpc_listen_port: {probe_free_port()}",
        "/data/loki": str(folder / "data"),
    }.items():
        assert fixed in text
        text = text.replace(fixed, free)
    (folder / "loki.yaml").write_text(text)
    command = (str(binary), f"-config.file={folder / 'loki.yaml'}")
    pid = start_guarded(run, name, folder=folder, program=Program(command=command))
    wait_until_ready(run, name, pid=pid, is_ready=lambda: _is_ready(port), seconds=90)
    try:
        yield port
    finally:
        stop_guardian(pid)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
