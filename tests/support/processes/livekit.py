"""A media server for one test: its webhook tells one API, so tests do not share one."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path

from support.processes.binaries import find_livekit
from support.processes.redis import RedisServer
from support.processes.servers import (
    NotStartedError,
    Program,
    Run,
    probe_free_port,
    start_guarded,
    stop_guardian,
    wait_until_ready,
)

TRIES = 3


@dataclass(frozen=True, kw_only=True)
class LivekitServer:
    """A running LiveKit on loopback and the key pair that it knows."""

    port: int
    api_key: str
    api_secret: str
    guardian: int

    @property
    def url(self) -> str:
        """Return the address of signalling and of its API."""
        return f"ws://127.0.0.1:{self.port}"

    def build_binding(self) -> dict[str, str]:
        """Return the keys of the binding `livekit`."""
        return {
            "type": "livekit",
            "url": self.url,
            "public-url": self.url,
            "api-key": self.api_key,
            "api-secret": self.api_secret,
        }

    def stop(self) -> None:
        """End it and wait for that."""
        stop_guardian(self.guardian)

    def kill(self) -> None:
        """End it as a crash does: it has no time to tell anybody."""
        os.kill(self.process, signal.SIGKILL)
        stop_guardian(self.guardian)

    @property
    def process(self) -> int:
        """Return the id of the server itself, the guardian's child."""
        children = Path(f"/proc/{self.guardian}/task/{self.guardian}/children").read_text()
        return int(children.split()[0])


def start_livekit(
    run: Run,
    *,
    webhook_url: str,
    redis: RedisServer | None = None,
    before: LivekitServer | None = None,
) -> LivekitServer:
    """Start a LiveKit that tells its events to an address.

    With `redis` its rooms outlive it; `before` is the one it takes the place of.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return _start(run, webhook_url=webhook_url, redis=redis, before=before)
        except NotStartedError as error:
            # A port that was free may be taken by now, by any connection of this machine.
            if attempt == TRIES or "address already in use" not in str(error):
                raise
    raise AssertionError("the last attempt returns or raises")


def _start(
    run: Run, *, webhook_url: str, redis: RedisServer | None, before: LivekitServer | None
) -> LivekitServer:
    binary = find_livekit()
    assert binary is not None, "checked by the tier's requirements"
    name = f"livekit-{secrets.token_hex(4)}"
    folder = run.folder / name
    folder.mkdir()
    port = before.port if before else probe_free_port()
    key, secret = "test-key", before.api_secret if before else secrets.token_hex(24)
    configuration = write_configuration(
        folder, port=port, webhook={"api_key": key, "urls": [webhook_url]}, redis=redis
    )
    keys = folder / "keys.yaml"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({key: secret}))
    command = (str(binary), "--config", str(configuration), "--key-file", str(keys))
    # Its orderly end may take until the guardian loses patience, and nothing of it is kept.
    program = Program(command=command, stop_signal=signal.SIGKILL)
    guardian = start_guarded(run, name, folder=folder, program=program)
    wait_until_ready(run, name, pid=guardian, is_ready=lambda: _is_ready(port), seconds=60)
    return LivekitServer(port=port, api_key=key, api_secret=secret, guardian=guardian)


def write_configuration(
    folder: Path, *, port: int, webhook: dict[str, object], redis: RedisServer | None
) -> Path:
    """Write a configuration on loopback: rooms are made by the API only."""
    path = folder / "livekit.yaml"
    path.touch(mode=0o600)
    store = {"address": f"127.0.0.1:{redis.port}", "password": redis.password} if redis else {}
    path.write_text(
        json.dumps(
            {
                "port": port,
                "bind_addresses": ["127.0.0.1"],
                "rtc": {
                    "tcp_port": probe_free_port(),
                    "udp_port": probe_free_port(),
                    "node_ip": "127.0.0.1",
                    "use_external_ip": False,
                    "enable_loopback_candidate": True,
                    # Every interface would be told as 127.0.0.1: what came from another is none
                    # of what the relay lets through.
                    "interfaces": {"includes": ["lo"]},
                },
                "room": {"auto_create": False},
                # Who is in a room is asked of the server that holds it, not of a list.
                "api": {"enable_psrpc_for_get_list_participants": True},
                "webhook": webhook,
                "redis": store,
                "logging": {"level": "info", "json": True},
            }
        )
    )
    return path


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
