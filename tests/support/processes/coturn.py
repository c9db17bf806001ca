"""A relay for a run, which relays to loopback only because everything is there."""

from __future__ import annotations

import secrets
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.processes.binaries import build_debian_env, find_turnserver
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    wait_until_ready,
)

# Of STUN: a binding request without attributes, which every TURN server answers.
_STUN_REQUEST = bytes.fromhex("00010000 2112a442") + b"sup-messenger"[:12]


@dataclass(frozen=True, kw_only=True)
class TurnServer:
    """A running relay and the secret its credentials are made of."""

    port: int
    shared_secret: str
    version: str

    @property
    def uris(self) -> tuple[str, ...]:
        """Return its TURN URIs."""
        return tuple(f"turn:127.0.0.1:{self.port}?transport={way}" for way in ("udp", "tcp"))

    def build_binding(self) -> dict[str, str]:
        """Return the keys of the binding `turn`."""
        return {"type": "turn", "shared-secret": self.shared_secret}


def start_coturn(run: Run) -> TurnServer:
    """Start the run's relay, or find it running."""
    return TurnServer(**start_once(run, "coturn", lambda folder: asdict(_start(run, folder))))


def _start(run: Run, folder: Path) -> TurnServer:
    binary = find_turnserver()
    assert binary is not None, "checked by the tier's requirements"
    port, secret = probe_free_port(), secrets.token_hex(24)
    configuration = folder / "turnserver.conf"
    configuration.touch(mode=0o600)
    options: dict[str, Any] = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": port,
        "min-port": 49152,
        "max-port": 65535,
        "realm": "chat.example.org",
        "static-auth-secret": secret,
        "userdb": folder / "turndb",
        "pidfile": folder / "turnserver.pid",
        "log-file": "stdout",
    }
    switches = (
        *("use-auth-secret", "fingerprint", "no-tls", "no-dtls", "no-cli", "simple-log"),
        "allow-loopback-peers",
    )
    lines = [*(f"{name}={value}" for name, value in options.items()), *switches]
    configuration.write_text("\n".join(lines) + "\n")
    program = Program(command=(str(binary), "-c", str(configuration)), env=build_debian_env())
    pid = start_guarded(run, "coturn", folder=folder, program=program)
    wait_until_ready(run, "coturn", pid=pid, is_ready=lambda: _answers(port), seconds=60)
    printed = subprocess.run(
        [binary, "--version"], check=False, capture_output=True, text=True, env=build_debian_env()
    )
    return TurnServer(
        port=port, shared_secret=secret, version=printed.stdout.strip().splitlines()[-1]
    )


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(("127.0.0.1", port))
            probe.send(_STUN_REQUEST)
            return probe.recv(2048)[:2] == b"\x01\x01"
        except OSError:
            return False
