"""What the edge's certificate says."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.certificates import write_certificate
from support.listeners import serve_connections

from supmessenger_worker.checks.edge import Certificate, judge_certificate, probe_edge
from supmessenger_worker.checks.model import CheckFailedError

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def build_certificate(days: float = 90, *names: str) -> Certificate:
    names = names or ("chat.example.org",)
    return Certificate(names, NOW - timedelta(days=1), NOW + timedelta(days=days))


@pytest.mark.parametrize("name", ["chat.example.org", "*.example.org", "CHAT.example.org"])
def test_a_good_certificate_tells_its_days(name: str) -> None:
    answer = judge_certificate(build_certificate(90, name), domain="chat.example.org", now=NOW)
    assert answer.message == "certificate valid for 90 more days"


def test_one_that_is_about_to_end_says_so() -> None:
    answer = judge_certificate(build_certificate(5), domain="chat.example.org", now=NOW)
    assert answer.message == "certificate valid for 5 more days; it should have been renewed by now"


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (build_certificate(90, "other.example.org"), "for other.example.org, not for"),
        (build_certificate(90, "*.org"), "for *.org, not for"),
        (build_certificate(-0.5), "ended"),
        (Certificate(("chat.example.org",), NOW + timedelta(1), NOW + timedelta(9)), "only from"),
        (Certificate((), NOW - timedelta(1), NOW + timedelta(9)), "no name"),
    ],
)
def test_one_that_a_client_would_refuse_is_refused(certificate: Certificate, message: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        judge_certificate(certificate, domain="chat.example.org", now=NOW)
    assert message in str(caught.value)


@asynccontextmanager
async def serve_certificate(folder: Path, name: str) -> AsyncIterator[int]:
    """Serve TLS with a self-signed certificate for `name`, valid for 60 days and an hour."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write_certificate(folder / "edge.pem", name))
    async with serve_connections(tls=context) as port:
        yield port


async def test_the_certificate_is_read_from_the_edge_itself(tmp_path: Path) -> None:
    async with serve_certificate(tmp_path, "chat.example.org") as port:
        answer = await probe_edge(f"https://127.0.0.1:{port}", domain="chat.example.org")
    assert answer.message == "certificate valid for 60 more days"


async def test_a_certificate_for_another_domain_is_found_out(tmp_path: Path) -> None:
    async with serve_certificate(tmp_path, "old.example.org") as port:
        with pytest.raises(CheckFailedError, match=r"old\.example\.org, not for chat"):
            await probe_edge(f"https://127.0.0.1:{port}", domain="chat.example.org")
