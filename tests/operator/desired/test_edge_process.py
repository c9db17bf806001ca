"""The edge as a real nginx: routes, sockets that outlive a reload, a new certificate in place."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.deployables import VARIATIONS
from support.edge import (
    DEADLINE_SECONDS,
    Echo,
    RunningEdge,
    answers,
    call,
    read_certificate,
    wait_until,
    write_certificate,
    write_files,
)
from support.messengers import make_messenger
from support.processes.binaries import find_nginx
from support.processes.servers import probe_free_port

pytestmark = pytest.mark.services


@pytest.fixture
def backend() -> Iterator[int]:
    """A server in place of every service; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
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
    with run_edge(tmp_path, backend) as running:
        yield running


@contextmanager
def run_edge(tmp_path: Path, backend: int) -> Iterator[RunningEdge]:
    """Run the edge before whatever answers at the backend's port."""
    config, certificate = tmp_path / "config", tmp_path / "certificate"
    config.mkdir()
    certificate.mkdir()
    ports = {port: probe_free_port() for port in ("8080", "8443", "9113")}
    messenger = make_messenger()
    script = write_files(messenger, config, backend, ports=ports, certificate=certificate)
    write_certificate(certificate, "first.example.org")
    process = subprocess.Popen(
        # A shell can't trap what was ignored when it began, as QUIT is behind another shell's &.
        ["env", "--default-signal=QUIT", "sh", str(script)],
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
    process.wait(timeout=DEADLINE_SECONDS)


def test_a_room_token_is_in_no_log_while_livekit_is_away(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with run_edge(tmp_path, probe_free_port()) as edge:
        assert call(edge, "/livekit/rtc?access_token=a-room-token").status_code == 503
        assert call(edge, "/api/v1/x?shown=in-the-error-line").status_code == 503

    printed = "".join(capfd.readouterr())
    assert "in-the-error-line" in printed
    assert "a-room-token" not in printed


@pytest.mark.parametrize("variation", VARIATIONS)
def test_nginx_takes_the_configuration(variation: str, tmp_path: Path, backend: int) -> None:
    config, certificate = tmp_path / "config", tmp_path / "certificate"
    config.mkdir()
    certificate.mkdir()
    (tmp_path / "nginx").mkdir()
    write_certificate(certificate, "chat.example.org")
    messenger = make_messenger(spec=VARIATIONS[variation])
    ports = {port: probe_free_port() for port in ("8080", "8443", "9113")}
    write_files(messenger, config, backend, ports=ports, certificate=certificate)
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


def test_signalling_reaches_livekit_and_its_api_does_not(edge: RunningEdge) -> None:
    assert call(edge, "/livekit/rtc?access_token=x").text.startswith("/rtc?access_token=x\n")
    assert call(edge, "/livekit/rtc/validate").text.startswith("/rtc/validate\n")
    for path in ("/livekit", "/livekit/", "/livekit/twirp/livekit.RoomService/ListRooms"):
        assert call(edge, path).status_code == 404


@pytest.mark.parametrize("said", [401, 403])
def test_who_the_api_does_not_let_in_does_not_reach_livekit(edge: RunningEdge, said: int) -> None:
    refused = call(edge, f"/livekit/rtc?access_token=x&door={said}")
    assert refused.status_code == 403
    assert refused.json()["code"] == "not_in_call"
    # A web client of another origin may read why, as from LiveKit itself.
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("said", [404, 500, 503])
def test_an_api_that_is_ill_or_has_no_door_ends_no_call(edge: RunningEdge, said: int) -> None:
    path = f"/rtc?access_token=x&door={said}"
    assert call(edge, f"/livekit{path}").text.startswith(f"{path}\n")


def test_a_room_token_can_not_come_in_a_form(edge: RunningEdge) -> None:
    with httpx.Client(verify=False, trust_env=False) as client:
        refused = client.post(f"{edge.url}/livekit/rtc", data={"access_token": "x"})
    assert refused.status_code == 403


def test_who_was_let_in_can_not_save_it_for_later_by_a_body_that_is_slow(
    edge: RunningEdge,
) -> None:
    asked = (
        b"GET /livekit/rtc?access_token=x HTTP/1.1\r\nHost: chat.example.org\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n"
    )
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = ("127.0.0.1", int(edge.ports["8443"]))
    with (
        socket.create_connection(address, DEADLINE_SECONDS) as raw,
        context.wrap_socket(raw) as client,
    ):
        client.sendall(asked)
        answer = b""
        while b"\n/rtc?" not in answer or not answer.endswith(b"\n\n"):
            answer += client.recv(4096)
    assert b"multipart" not in answer


def test_a_client_can_not_ask_at_the_door(edge: RunningEdge) -> None:
    assert call(edge, "/livekit-door").status_code == 404


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


def test_it_tells_its_own_figures_to_prometheus(edge: RunningEdge) -> None:
    def scrape() -> dict[str, float]:
        answer = httpx.get(f"{url}/metrics", trust_env=False)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain")
        families = text_string_to_metric_families(answer.text)
        assert sorted(family.type for family in families) == ["counter"] * 3 + ["gauge"] * 4
        # That parser gives every counter the ending that Prometheus only advises.
        lines = [line.split() for line in answer.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    url = f"http://127.0.0.1:{edge.ports['9113']}"
    before = scrape()
    assert set(before) == {
        *(f"nginx_connections_{state}" for state in ("active", "reading", "writing", "waiting")),
        *("nginx_connections_accepted", "nginx_connections_handled", "nginx_http_requests_total"),
    }
    for _ in range(3):
        call(edge, "/healthz")
    after = scrape()
    assert after["nginx_http_requests_total"] == before["nginx_http_requests_total"] + 4
    assert after["nginx_connections_accepted"] > before["nginx_connections_accepted"]
    assert after["nginx_connections_active"] >= 1
    assert httpx.get(f"{url}/stub_status", trust_env=False).status_code == 404


def test_a_body_that_is_too_large_is_a_problem(edge: RunningEdge) -> None:
    refused = call(edge, "/api/v1/x", content=b"x" * (2**20 + 1))
    assert refused.status_code == 413
    assert refused.json()["code"] == "content_too_large"


def test_a_service_that_is_away_is_a_problem(edge: RunningEdge) -> None:
    path = edge.config / "nginx.conf"
    path.write_text(path.read_text().replace("127.0.0.1:", "127.0.0.2:", 2))
    # Workers of before the reload may answer a few calls more.
    answered = [call(edge, "/api/v1/x")]

    def is_away() -> bool:
        answered.append(call(edge, "/api/v1/x"))
        return answered[-1].status_code == 503

    wait_until(is_away, "not reloaded")
    assert answered[-1].json()["code"] == "unavailable"
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
    raw = socket.create_connection(("127.0.0.1", edge.ports["8443"]), timeout=DEADLINE_SECONDS)
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
    assert edge.process.wait(timeout=DEADLINE_SECONDS) == 0
