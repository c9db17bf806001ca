"""A real ACME server of one test: Pebble, with a name server that knows one address."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.processes.binaries import find_built
from support.processes.servers import probe_free_port

from supmessenger_operator.cluster.certificates import make_authority, make_certificate

STARTUP_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class AcmeServer:
    """Where it is and whom it trusts its own name to."""

    directory: str
    authority: str


@contextmanager
def run_pebble(
    folder: Path,
    *,
    http_port: int,
    certificate_seconds: int = 7_776_000,
    needs_external_account: tuple[str, str] | None = None,
) -> Iterator[AcmeServer]:
    """Run Pebble; it proves every domain at 127.0.0.1 and the given port."""
    listen, management, dns, dns_management = (probe_free_port() for _ in range(4))
    now = datetime.now(UTC)
    authority = make_authority("pebble", now=now)
    own = make_certificate(authority, ("localhost", "127.0.0.1"), now=now)
    (folder / "own.crt").write_bytes(own.certificate)
    (folder / "own.key").write_bytes(own.key)
    settings = {
        "listenAddress": f"127.0.0.1:{listen}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "own.crt"),
        "privateKey": str(folder / "own.key"),
        "httpPort": http_port,
        "tlsPort": http_port,
        "keyAlgorithm": "ecdsa",
        "retryAfter": {"authz": 1, "order": 1},
        "domainBlocklist": ["blocked.example"],
        "profiles": {"default": {"description": "default", "validityPeriod": certificate_seconds}},
    }
    if needs_external_account is not None:
        settings["externalAccountBindingRequired"] = True
        settings["externalAccountMACKeys"] = dict([needs_external_account])
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    with ExitStack() as stack:
        stack.enter_context(
            _run(
                "pebble-challtestsrv",
                *("-dnsserver", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{dns_management}"),
                *("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""),
                *("-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
            )
        )
        stack.enter_context(
            _run(
                "pebble",
                *("-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"),
                env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
            )
        )
        _wait_for_ports(listen, dns_management)
        yield AcmeServer(
            directory=f"https://localhost:{listen}/dir",
            authority=authority.certificate.decode(),
        )


@contextmanager
def _run(name: str, *arguments: str, env: dict[str, str] | None = None) -> Iterator[None]:
    binary = find_built(name)
    assert binary is not None, f"run `python3 hack/node tools {name}`"
    process = subprocess.Popen(
        [binary, *arguments], env=env or {}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=STARTUP_SECONDS)


def _wait_for_ports(*ports: int) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not all(_answers(port) for port in ports):
        assert time.monotonic() < deadline, f"nothing answers at {ports}"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
