"""The real operator as a process against a real API server, with a checker of our own."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.control_plane import ControlPlane, free_ports

PARTS = (
    "postgres",
    "redis-cache",
    "redis-state",
    "rabbitmq",
    "object-storage",
    "api",
    "websocket",
    "media",
    "edge",
)
IMAGES = {
    name: f"registry.example.org/{name}:1"
    for name in (
        "api",
        "websocket",
        "media",
        "worker",
        "postgres",
        "redis",
        "rabbitmq",
        "minio",
        "nginx",
    )
}


@dataclass
class CheckerServer:
    """Answers `/v1/checks` as the worker's checker would; `failing` maps part to message."""

    port: int = 0
    failing: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    def report(self) -> dict[str, Any]:
        """Return the report as it is now."""
        return {
            "checkedAt": datetime.now(UTC).isoformat(),
            "checks": [
                {
                    "name": name,
                    "ok": name not in self.failing,
                    "version": "1.0",
                    "latencyMs": 1.0,
                    "message": self.failing.get(name, ""),
                }
                for name in PARTS
            ],
        }


@contextmanager
def start_checker() -> Iterator[CheckerServer]:
    """Serve a checker on an ephemeral port."""
    checker = CheckerServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(checker.report()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    checker.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield checker
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class OperatorProcess:
    """A running operator."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> tuple[int, str]:
        """Ask the operator's own server."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=30
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)


@contextmanager
def start_operator(
    plane: ControlPlane,
    *,
    folder: Path,
    namespace: str,
    checker: CheckerServer,
    pod_name: str = "operator-0",
) -> Iterator[OperatorProcess]:
    """Run the operator for one namespace, with the rights of the chart's roles and no more."""
    folder.mkdir(parents=True, exist_ok=True)
    images = folder / "images.json"
    images.write_text(json.dumps({"registry": "", "components": IMAGES}))
    (port,) = free_ports(1)
    log = folder / f"{pod_name}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KUBECONFIG": str(plane.operator_kubeconfig),
        "SUP_OPERATOR_IMAGES_FILE": str(images),
        "SUP_OPERATOR_WATCH_NAMESPACES": namespace,
        "SUP_OPERATOR_NAMESPACE": namespace,
        "SUP_OPERATOR_POD_NAME": pod_name,
        "SUP_OPERATOR_HTTP_HOST": "127.0.0.1",
        "SUP_OPERATOR_HTTP_PORT": str(port),
        "SUP_OPERATOR_CHECKER_URL": checker.url,
        "SUP_OPERATOR_PROBE_SECONDS": "1",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "supmessenger_operator"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    running = OperatorProcess(process=process, port=port, log=log)
    try:
        yield running
    finally:
        end_process(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Poll until the condition gives something true; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
