"""Certificates of the instance's own authority, judged by a TLS handshake."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.messengers import make_messenger

from supmessenger_operator.cluster.certificates import (
    CERTIFICATE_LIFE,
    KeyPair,
    make_authority,
    make_certificate,
    needs_renewal,
)
from supmessenger_operator.cluster.tls import build_names

NOW = datetime.now(UTC)
NAMES = ("chat.example.org", "demo-edge", "192.0.2.7")


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return make_authority("demo", now=NOW)


def shake_hands(server: KeyPair, authority: bytes, name: str, folder: Path) -> None:
    """Let a client that trusts the authority meet a server that has the certificate."""
    (folder / "server.crt").write_bytes(server.certificate)
    (folder / "server.key").write_bytes(server.key)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(folder / "server.crt", folder / "server.key")
    trusting = ssl.create_default_context(cadata=authority.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    one, other = socket.socketpair()

    def serve() -> None:
        try:
            with serving.wrap_socket(one, server_side=True) as connection:
                connection.recv(1)
        except OSError:
            one.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with trusting.wrap_socket(other, server_hostname=name) as connection:
            connection.send(b"x")
    finally:
        other.close()
        thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_client_accepts_every_name(authority: KeyPair, name: str, tmp_path: Path) -> None:
    shake_hands(make_certificate(authority, NAMES, now=NOW), authority.certificate, name, tmp_path)


def test_another_name_and_another_authority_are_refused(authority: KeyPair, tmp_path: Path) -> None:
    server = make_certificate(authority, NAMES, now=NOW)

    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, authority.certificate, "other.example.org", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, make_authority("demo", now=NOW).certificate, NAMES[0], tmp_path)


def test_a_certificate_is_renewed_at_two_thirds_of_its_life(authority: KeyPair) -> None:
    made = make_certificate(authority, NAMES, now=NOW).certificate

    for days, is_due in ((59, False), (61, True)):
        moment = NOW + timedelta(days=days)
        assert needs_renewal(made, authority.certificate, NAMES, now=moment) is is_due
    assert timedelta(days=90) == CERTIFICATE_LIFE


def test_a_certificate_is_renewed_for_other_names_or_another_authority(
    authority: KeyPair,
) -> None:
    made = make_certificate(authority, NAMES, now=NOW).certificate
    other = make_authority("demo", now=NOW).certificate

    assert needs_renewal(made, authority.certificate, (*NAMES, "192.0.2.8"), now=NOW)
    assert needs_renewal(made, other, NAMES, now=NOW)
    assert needs_renewal(b"nonsense", authority.certificate, NAMES, now=NOW)


def test_the_edge_is_known_by_domain_service_and_address() -> None:
    names = build_names(make_messenger(), edge_address="192.0.2.7", cluster_domain="cluster.local")

    assert names[0] == "chat.example.org"
    assert "demo-edge.chat.svc.cluster.local" in names
    assert "192.0.2.7" in names
