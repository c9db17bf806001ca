"""The edge as the pod runs it, on free ports, with one echo in place of every service."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from support.deployables import build_all, to_plain

from supmessenger_operator.desired.edge import build_nginx_conf
from supmessenger_operator.model import Messenger

DEADLINE_SECONDS = 60.0
DOOR = "/internal/livekit/door"


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and becomes an echo of bytes when told to upgrade."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == DOOR:
            # It says what the query asks it to say.
            said = parse_qs(urlsplit(self.headers["X-Original-URI"]).query).get("door", ["204"])
            self.send_response(int(said[0]))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            while line := self.rfile.readline():
                self.wfile.write(line)
            return
        body = f"{self.path}\n{self.headers}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


@dataclass(frozen=True)
class RunningEdge:
    """An edge under test: its process, its folders and its ports."""

    process: subprocess.Popen[bytes]
    config: Path
    certificate: Path
    ports: dict[str, int]

    @property
    def url(self) -> str:
        """Address over TLS."""
        return f"https://127.0.0.1:{self.ports['8443']}"


def write_files(
    messenger: Messenger,
    config: Path,
    backend: int,
    *,
    ports: dict[str, int],
    certificate: Path,
    acme_thumbprint: str = "",
) -> Path:
    folder = config.parent / "nginx"
    text = build_nginx_conf(messenger, acme_thumbprint, signalling="demo-livekit:7880")
    text = text.replace("/tmp/nginx", str(folder))
    text = text.replace("/bindings/tls", str(certificate))
    text = text.replace("/etc/sup-edge", str(config))
    for name in ("api:3000", "media:3003", "websocket:3001", "livekit:7880"):
        text = text.replace(f"demo-{name}", f"127.0.0.1:{backend}")
    for fixed, free in ports.items():
        text = text.replace(f"listen {fixed}", f"listen {free}").replace(f":{fixed};", f":{free};")
    # In the pod all of nginx is one user; here root's workers would be somebody else.
    user = "user root;\n" if os.getuid() == 0 else ""
    (config / "nginx.conf").write_text(user + text)
    files = next(
        to_plain(built)["data"]
        for built in build_all(messenger)
        if built.kind == "ConfigMap" and built.component == "edge"
    )
    (config / "metrics.txt").write_text(files["metrics.txt"])
    script = config.parent / "run.sh"
    script.write_text(files["run.sh"].replace("/tmp/nginx", str(folder)))
    return script


def write_certificate(folder: Path, name: str) -> None:
    """Put a self-signed certificate for a name into a folder, key first as one rename each."""
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    new = ["-keyout", str(folder / ".key"), "-out", str(folder / ".crt")]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2", *new, *subject],
        check=True,
        capture_output=True,
    )
    (folder / ".key").rename(folder / "tls.key")
    (folder / ".crt").rename(folder / "tls.crt")


def wait_until(is_true: Callable[[], bool], message: str) -> None:
    """Wait for a condition; fail with the message after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


def answers(edge: RunningEdge) -> bool:
    """Tell whether the edge serves over TLS."""
    try:
        return call(edge, "/healthz").status_code == 200
    except httpx.TransportError:
        return False


def call(edge: RunningEdge, path: str, **options: object) -> httpx.Response:
    """GET a path over TLS."""
    with httpx.Client(verify=False, trust_env=False, timeout=DEADLINE_SECONDS) as client:
        return client.request("GET", f"{edge.url}{path}", **options)  # type: ignore[arg-type]  # any option of httpx


def read_certificate(edge: RunningEdge) -> bytes:
    """Return the certificate a new client is shown."""
    return read_certificate_of(edge.ports["8443"])


def read_certificate_of(port: int) -> bytes:
    """Return the certificate that a server on loopback shows."""
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()
