"""The edge as a real nginx: routes, sockets that outlive a reload, a new certificate in place."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from support.deployables import VARIATIONS, build_all, to_plain
from support.messengers import make_messenger
from support.processes.binaries import find_nginx
from support.processes.servers import probe_free_port

from supmessenger_operator.desired.edge import build_nginx_conf
from supmessenger_operator.model import Messenger

pytestmark = pytest.mark.services

_DEADLINE_SECONDS = 30.0


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and becomes an echo of bytes when told to upgrade."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
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


@pytest.fixture
def backend() -> Iterator[int]:
    """A server in place of every service; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def edge(tmp_path: Path, backend: int) -> Iterator[RunningEdge]:
    """The edge of a tiny instance, as the pod would run it."""
    config, certificate = tmp_path / "config", tmp_path / "certificate"
    config.mkdir()
    certificate.mkdir()
    ports = {port: probe_free_port() for port in ("8080", "8443", "9113")}
    messenger = make_messenger()
    script = _write_files(messenger, config, backend, ports=ports, certificate=certificate)
    write_certificate(certificate, "first.example.org")
    process = subprocess.Popen(
        ["sh", str(script)],
        env={
            "PATH": os.environ["PATH"],
            "CONFIG": str(config),
            "CERTIFICATE": str(certificate),
            "SERVICES": "localhost",
            "LEAVE_SECONDS": "0",
        },
    )
    running = RunningEdge(process, config, certificate, ports)
    wait_until(lambda: answers(running), "the edge did not start")
    yield running
    process.terminate()
    process.wait(timeout=_DEADLINE_SECONDS)


def _write_files(
    messenger: Messenger, config: Path, backend: int, *, ports: dict[str, int], certificate: Path
) -> Path:
    folder = config.parent / "nginx"
    text = build_nginx_conf(messenger).replace("/tmp/nginx", str(folder))
    text = text.replace("/bindings/tls", str(certificate))
    for name in ("api:3000", "media:3003", "websocket:3001"):
        text = text.replace(f"demo-{name}", f"127.0.0.1:{backend}")
    for fixed, free in ports.items():
        text = text.replace(f"listen {fixed}", f"listen {free}").replace(f":{fixed};", f":{free};")
    (config / "nginx.conf").write_text(text)
    files = next(
        to_plain(built)["data"]
        for built in build_all(messenger)
        if built.kind == "ConfigMap" and built.component == "edge"
    )
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
    deadline = time.monotonic() + _DEADLINE_SECONDS
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
    with httpx.Client(verify=False, trust_env=False) as client:
        return client.request("GET", f"{edge.url}{path}", **options)  # type: ignore[arg-type]  # any option of httpx


def read_certificate(edge: RunningEdge) -> bytes:
    """Return the certificate a new client is shown."""
    return ssl.get_server_certificate(("127.0.0.1", edge.ports["8443"])).encode()


@pytest.mark.parametrize("variation", VARIATIONS)
def test_nginx_takes_the_configuration(variation: str, tmp_path: Path, backend: int) -> None:
    config, certificate = tmp_path / "config", tmp_path / "certificate"
    config.mkdir()
    certificate.mkdir()
    (tmp_path / "nginx").mkdir()
    write_certificate(certificate, "chat.example.org")
    messenger = make_messenger(spec=VARIATIONS[variation])
    ports = {port: probe_free_port() for port in ("8080", "8443", "9113")}
    _write_files(messenger, config, backend, ports=ports, certificate=certificate)
    nginx = find_nginx()
    assert nginx is not None
    tested = subprocess.run(
        [str(nginx), "-t", "-e", "stderr", "-c", str(config / "nginx.conf")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stderr


def test_paths_lose_the_prefix_of_their_service(edge: RunningEdge) -> None:
    assert call(edge, "/api/v1/users/me?a=1").text.startswith("/v1/users/me?a=1\n")
    assert call(edge, "/media/v1/files/1").text.startswith("/v1/files/1\n")
    assert call(edge, "/ws").text.startswith("/ws\n")


def test_only_versioned_paths_reach_a_service(edge: RunningEdge) -> None:
    for path in ("/", "/api/readyz", "/api/metrics", "/media/healthz", "/stub_status"):
        refused = call(edge, path)
        assert refused.status_code == 404
        assert refused.json()["code"] == "not_found"


def test_a_client_can_not_say_who_it_is(edge: RunningEdge) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher"}
    seen = call(edge, "/api/v1/x", headers=forged).text
    assert "X-Forwarded-For: 127.0.0.1" in seen
    assert "X-Forwarded-Proto: https" in seen
    assert "6.6.6.6" not in seen


def test_a_request_id_is_kept_when_it_is_one(edge: RunningEdge) -> None:
    kept = call(edge, "/api/v1/x", headers={"X-Request-Id": "client-chosen-1"})
    assert kept.headers["x-request-id"] == "client-chosen-1"
    replaced = call(edge, "/api/v1/x", headers={"X-Request-Id": 'a"b'})
    assert len(replaced.headers["x-request-id"]) == 32


def test_every_answer_carries_the_security_headers(edge: RunningEdge) -> None:
    for path in ("/api/v1/x", "/nope"):
        headers = call(edge, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        # A self-signed certificate plus this would lock browsers out.
        assert "strict-transport-security" not in headers


def test_plain_http_sends_to_https_and_the_declared_domain(edge: RunningEdge) -> None:
    url = f"http://127.0.0.1:{edge.ports['8080']}/api/v1/x?a=1"
    moved = httpx.get(url, headers={"Host": "evil.example"}, trust_env=False)
    assert moved.status_code == 308
    assert moved.headers["location"] == "https://chat.example.org/api/v1/x?a=1"


def test_a_body_that_is_too_large_is_a_problem(edge: RunningEdge) -> None:
    refused = call(edge, "/api/v1/x", content=b"x" * (2**20 + 1))
    assert refused.status_code == 413
    assert refused.json()["code"] == "content_too_large"


def test_a_service_that_is_away_is_a_problem(edge: RunningEdge) -> None:
    path = edge.config / "nginx.conf"
    path.write_text(path.read_text().replace("127.0.0.1:", "127.0.0.2:", 2))
    wait_until(lambda: call(edge, "/api/v1/x").status_code == 503, "not reloaded")
    assert call(edge, "/api/v1/x").json()["code"] == "unavailable"
    assert call(edge, "/media/v1/x").status_code == 200


@pytest.mark.parametrize(("version", "is_taken"), [("1_1", False), ("1_2", True), ("1_3", True)])
def test_old_tls_is_refused(edge: RunningEdge, version: str, is_taken: bool) -> None:
    # Level 0 lets this client offer what the server shall refuse.
    client = ["openssl", "s_client", f"-tls{version}", "-cipher", "DEFAULT@SECLEVEL=0"]
    asked = subprocess.run(
        [*client, "-connect", f"127.0.0.1:{edge.ports['8443']}"],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert (asked.returncode == 0) is is_taken
    assert (b"alert protocol version" in asked.stderr) is not is_taken


def test_a_socket_outlives_a_new_certificate(edge: RunningEdge) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    before = read_certificate(edge)
    raw = socket.create_connection(("127.0.0.1", edge.ports["8443"]), timeout=_DEADLINE_SECONDS)
    with context.wrap_socket(raw) as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: chat.example.org\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        answered = b""
        while b"\r\n\r\n" not in answered:
            answered += client.recv(4096)
        assert answered.startswith(b"HTTP/1.1 101")

        write_certificate(edge.certificate, "second.example.org")
        wait_until(lambda: read_certificate(edge) != before, "the certificate was not reloaded")

        client.sendall(b"still here\n")
        assert client.recv(4096) == b"still here\n"


def test_a_broken_configuration_changes_nothing(edge: RunningEdge) -> None:
    path = edge.config / "nginx.conf"
    sound = path.read_text()
    path.write_text("no configuration at all")
    (edge.certificate / "tls.key").write_text("no key")
    assert call(edge, "/api/v1/x").status_code == 200
    write_certificate(edge.certificate, "third.example.org")
    path.write_text(sound.replace("return 404 '", "return 410 '"))
    wait_until(lambda: call(edge, "/nope").status_code == 410, "the sound one was not taken")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGQUIT])
def test_it_leaves_when_it_is_told(edge: RunningEdge, stop: signal.Signals) -> None:
    edge.process.send_signal(stop)
    assert edge.process.wait(timeout=_DEADLINE_SECONDS) == 0
