"""Orders at a real ACME server, proven by the real edge."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from support.edge import Echo, RunningEdge, answers, wait_until, write_certificate, write_files
from support.messengers import make_messenger
from support.pebble import AcmeServer, run_pebble
from support.processes.servers import probe_free_port

from supmessenger_operator.cluster.acme import (
    AcmeFailure,
    AcmeOrder,
    ExternalAccount,
    compute_thumbprint,
    make_account_key,
    obtain_certificate,
)
from supmessenger_operator.cluster.certificate_facts import find_flaw

pytestmark = pytest.mark.services

DOMAIN = "chat.example.org"


@contextmanager
def run_edge(folder: Path, account_key: str) -> Iterator[RunningEdge]:
    """The edge as the pod runs it, with the proof of this account."""
    config, certificate = folder / "config", folder / "certificate"
    config.mkdir()
    certificate.mkdir()
    ports = {port: probe_free_port() for port in ("8080", "8443", "9113")}
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=backend.serve_forever)
    thread.start()
    script = write_files(
        make_messenger(),
        config,
        backend.server_address[1],
        ports=ports,
        certificate=certificate,
        acme_thumbprint=compute_thumbprint(account_key),
    )
    write_certificate(certificate, "interim.example.org")
    environment = {
        "PATH": os.environ["PATH"],
        "CONFIG": str(config),
        "CERTIFICATE": str(certificate),
        "SERVICES": "localhost",
        "LEAVE_SECONDS": "0",
    }
    process = subprocess.Popen(["sh", str(script)], env=environment)
    edge = RunningEdge(process, config, certificate, ports)
    try:
        wait_until(lambda: answers(edge), "the edge did not start")
        yield edge
    finally:
        process.terminate()
        process.wait(timeout=30)
        backend.shutdown()
        thread.join()
        backend.server_close()


def make_order(server: AcmeServer, edge: RunningEdge, account_key: str) -> AcmeOrder:
    return AcmeOrder(
        directory=server.directory,
        domain=DOMAIN,
        account_key=account_key,
        email="admin@example.org",
        authority=server.authority,
        edge_url=f"http://127.0.0.1:{edge.ports['8080']}",
    )


def test_a_certificate_is_issued_and_again_for_the_same_account(tmp_path: Path) -> None:
    key = make_account_key()
    with (
        run_edge(tmp_path, key) as edge,
        run_pebble(tmp_path, http_port=int(edge.ports["8080"])) as server,
    ):
        order = make_order(server, edge, key)
        first, second = obtain_certificate(order), obtain_certificate(order)

    now = datetime.now(UTC) + timedelta(seconds=5)
    for issued in (first, second):
        values = {"tls.crt": issued.chain, "tls.key": issued.key}
        assert find_flaw(values, DOMAIN, now=now) == ""
        assert len(x509.load_pem_x509_certificates(issued.chain.encode())) >= 2
    assert first.key != second.key


def test_a_refused_order_fails_with_the_servers_words(tmp_path: Path) -> None:
    key = make_account_key()
    with (
        run_edge(tmp_path, key) as edge,
        run_pebble(tmp_path, http_port=int(edge.ports["8080"])) as server,
    ):
        order = replace(make_order(server, edge, key), domain="blocked.example")
        with pytest.raises(AcmeFailure, match="blocked"):
            obtain_certificate(order)


def test_a_failed_proof_names_what_the_server_saw(tmp_path: Path) -> None:
    key = make_account_key()
    with (
        run_edge(tmp_path, key) as edge,
        run_pebble(tmp_path, http_port=probe_free_port()) as server,
        pytest.raises(AcmeFailure, match="connection refused"),
    ):
        obtain_certificate(make_order(server, edge, key))


def test_an_account_made_beforehand_is_bound(tmp_path: Path) -> None:
    key, hmac_key = (
        make_account_key(),
        "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
    )
    with (
        run_edge(tmp_path, key) as edge,
        run_pebble(
            tmp_path,
            http_port=int(edge.ports["8080"]),
            needs_external_account=("kid-1", hmac_key),
        ) as server,
    ):
        order = make_order(server, edge, key)
        with pytest.raises(AcmeFailure, match="externalAccountBinding"):
            obtain_certificate(order)
        bound = replace(order, external_account=ExternalAccount(key_id="kid-1", hmac_key=hmac_key))

        assert "BEGIN CERTIFICATE" in obtain_certificate(bound).chain


def test_a_server_that_is_not_there_or_not_trusted_is_told(tmp_path: Path) -> None:
    key = make_account_key()
    with run_edge(tmp_path, key) as edge:
        with run_pebble(tmp_path, http_port=int(edge.ports["8080"])) as server:
            order = make_order(server, edge, key)
            with pytest.raises(AcmeFailure, match="certificate verify failed"):
                obtain_certificate(replace(order, authority=""))
        with pytest.raises(AcmeFailure, match="Connection refused"):
            obtain_certificate(order)


class Page(BaseHTTPRequestHandler):
    """Some other service at the address of the directory."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"welcome"', b'{"meta": 5}'])
def test_an_address_that_is_no_directory_is_told(tmp_path: Path, body: bytes) -> None:
    key = make_account_key()
    handler = type("OnePage", (Page,), {"body": body})
    with run_edge(tmp_path, key) as edge, ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        order = AcmeOrder(
            directory=f"http://127.0.0.1:{server.server_address[1]}/dir",
            domain=DOMAIN,
            account_key=key,
            edge_url=f"http://127.0.0.1:{edge.ports['8080']}",
        )
        try:
            with pytest.raises(AcmeFailure, match="is no directory of an ACME server"):
                obtain_certificate(order)
        finally:
            server.shutdown()
            thread.join()
