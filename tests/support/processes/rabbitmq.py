"""A RabbitMQ server for a run, and one virtual host per test."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.processes.binaries import build_debian_env, find_epmd, find_rabbitmq
from support.processes.servers import (
    Program,
    Run,
    probe_free_port,
    start_guarded,
    start_once,
    wait_until_ready,
)

# One scheduler that does not spin while idle: the machine has few cores and other work.
_VM_ARGUMENTS = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass(frozen=True, kw_only=True)
class RabbitServer:
    """A running broker with its management interface."""

    port: int
    management_port: int
    username: str
    password: str
    version: str

    def build_url(self, vhost: str) -> str:
        """Return the address of a virtual host."""
        quoted = vhost.replace("/", "%2F")
        return f"amqp://{self.username}:{self.password}@127.0.0.1:{self.port}/{quoted}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the management interface; OSError when the answer is an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management_port, timeout=60)
        login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body or {}), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise OSError(f"{method} {path}: {answer.status} {content!r}")
        return json.loads(content) if content else None

    def create_vhost(self, name: str) -> None:
        """Create a virtual host that the user may do everything in."""
        self.call("PUT", f"/api/vhosts/{name}")
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        self.call("PUT", f"/api/permissions/{name}/{self.username}", rights)

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with its queues, closing its connections."""
        self.call("DELETE", f"/api/vhosts/{name}")


def start_rabbitmq(
    run: Run, *, port: int | None = None, management_port: int | None = None
) -> RabbitServer:
    """Start the run's broker, or find it running."""

    def start(folder: Path) -> dict[str, Any]:
        ports = (port or probe_free_port(), management_port or probe_free_port())
        return asdict(_start(run, folder, port=ports[0], management_port=ports[1]))

    return RabbitServer(**start_once(run, "rabbitmq", start))


def _start(run: Run, folder: Path, *, port: int, management_port: int) -> RabbitServer:
    binary = find_rabbitmq()
    assert binary is not None, "checked by the tier's requirements"
    mapper_port = _start_port_mapper(run, folder)
    password = _read_or_make_password(folder)
    configuration = folder / "rabbitmq.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"listeners.tcp.default = 127.0.0.1:{port}\n"
        f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management_port}\n"
        f"default_user = sup\ndefault_pass = {password}\n"
        "loopback_users.guest = true\nlog.console.level = warning\nlog.file = false\n"
        "vm_memory_high_watermark.absolute = 1GiB\ndisk_free_limit.absolute = 50MB\n"
    )
    (folder / "plugins").write_text("[rabbitmq_management].\n")
    pid = start_guarded(
        run,
        "rabbitmq",
        folder=folder,
        program=Program(
            command=(str(binary),),
            # Its orderly end takes seconds, which only kept data is worth.
            stop_signal=signal.SIGTERM if run.keep_data else signal.SIGKILL,
            env=build_debian_env() | _build_env(folder, configuration, mapper_port=mapper_port),
        ),
    )
    server = RabbitServer(
        port=port, management_port=management_port, username="sup", password=password, version=""
    )
    wait_until_ready(run, "rabbitmq", pid=pid, is_ready=lambda: _answers(server), seconds=180)
    version = server.call("GET", "/api/overview")["rabbitmq_version"]
    return RabbitServer(**(asdict(server) | {"version": version}))


def _read_or_make_password(folder: Path) -> str:
    path = folder / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18))
    return path.read_text()


def _start_port_mapper(run: Run, folder: Path) -> int:
    """Start Erlang's port mapper ourselves: the one that Erlang starts outlives the broker."""
    binary = find_epmd()
    assert binary is not None, "comes with RabbitMQ"
    port = probe_free_port()
    mapper = folder / "epmd"
    mapper.mkdir(exist_ok=True)
    start_guarded(
        run,
        "epmd",
        folder=mapper,
        program=Program(
            command=(str(binary), "-port", str(port), "-address", "127.0.0.1"),
            env=build_debian_env(),
        ),
    )
    return port


def _build_env(folder: Path, configuration: Path, *, mapper_port: int) -> dict[str, str]:
    return {
        "HOME": str(folder),
        # Its start script then becomes the broker instead of waiting beside it.
        "RUNNING_UNDER_SYSTEMD": "true",
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_DIST_PORT": str(probe_free_port()),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            f"{_VM_ARGUMENTS} -kernel inet_dist_use_interface {{127,0,0,1}}"
        ),
    }


def _answers(server: RabbitServer) -> bool:
    try:
        # Both: the node serves clients, and its management database is up.
        return bool(
            server.call("GET", "/api/health/checks/port-listener/" + str(server.port))
            and server.call("GET", "/api/overview")
        )
    except (OSError, http.client.HTTPException, ValueError):
        return False
