"""Redis servers: one pair for each process of a run, emptied before each test."""

from __future__ import annotations

import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.processes.binaries import build_debian_env, find_redis
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    wait_until_ready,
)


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """A running server."""

    port: int
    password: str
    version: str

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Delete all keys."""
        send_commands(self.port, self.password, "FLUSHALL")


def start_redis(run: Run, name: str, *, policy: str, port: int | None = None) -> RedisServer:
    """Start a server, or find it running; `policy` is what it does when its memory is full."""

    def start(folder: Path) -> dict[str, Any]:
        return asdict(_start(run, name, folder, policy=policy, port=port or probe_free_port()))

    return RedisServer(**start_once(run, name, start))


def _start(run: Run, name: str, folder: Path, *, policy: str, port: int) -> RedisServer:
    binary = find_redis()
    assert binary is not None, "checked by the tier's requirements"
    password = secrets.token_urlsafe(18)
    configuration = folder / "redis.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\nrequirepass {password}\ndir {folder}\n"
        f'save ""\nmaxmemory 64mb\nmaxmemory-policy {policy}\n'
        f"appendonly {'yes' if run.keep_data and policy == 'noeviction' else 'no'}\n"
    )
    pid = start_guarded(
        run,
        name,
        folder=folder,
        program=Program(command=(str(binary), str(configuration)), env=build_debian_env()),
    )
    wait_until_ready(run, name, pid=pid, is_ready=lambda: _answers(port, password), seconds=60)
    info = send_commands(port, password, "INFO server")
    version = next(line for line in info.splitlines() if line.startswith("redis_version:"))
    return RedisServer(port=port, password=password, version=version.split(":")[1].strip())


def _answers(port: int, password: str) -> bool:
    try:
        return "PONG" in send_commands(port, password, "PING")
    except OSError:
        return False


def send_commands(port: int, password: str, command: str) -> str:
    """Send one command after logging in; return what the server answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace")
