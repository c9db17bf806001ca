"""The four services under a file watcher: a saved change restarts the service it belongs to."""

from __future__ import annotations

import http.client
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from support.processes.servers import Program, Run, start_guarded, wait_until_ready

from supdev.ports import choose_port

USUAL_PORTS = {"api": 3000, "websocket": 3001, "media": 3003, "worker": 3004}
# Long enough for a loaded laptop that also compiles.
_READY_SECONDS = 90


@dataclass(frozen=True)
class Service:
    """A running service."""

    name: str
    port: int
    metrics_port: int
    pid: int

    @property
    def url(self) -> str:
        """Return its HTTP address."""
        return f"http://127.0.0.1:{self.port}"


def start_services(
    run: Run, root: Path, bindings: Path, *, schema: str, reload: bool
) -> list[Service]:
    """Start the four services; they become ready on their own."""
    ports = {name: choose_port(usual) for name, usual in USUAL_PORTS.items()}
    services = []
    for number, (name, port) in enumerate(ports.items()):
        metrics_port = choose_port(9464 + number)
        env = {
            "SERVICE_BINDING_ROOT": str(bindings / name),
            "SUP_PORT": str(port),
            "SUP_METRICS_PORT": str(metrics_port),
            **_build_env(name, ports, schema=schema),
        }
        folder = run.folder / name
        folder.mkdir(exist_ok=True)
        command = _build_command(root, name, reload=reload)
        program = Program(command=command, env=env)
        pid = start_guarded(run, name, folder=folder, program=program)
        services.append(Service(name, port, metrics_port, pid))
    return services


def _build_command(root: Path, name: str, *, reload: bool) -> tuple[str, ...]:
    script = str(Path(sys.executable).parent / f"sup-{name}")
    if not reload:
        return (script,)
    sources = [str(root / "apps" / part / "src") for part in (name, "common")]
    return (
        *(sys.executable, "-m", "watchfiles", "--filter", "python", "--target-type", "command"),
        *("--sigint-timeout", "5", shlex.quote(script), *sources),
    )


def _build_env(name: str, ports: dict[str, int], *, schema: str) -> dict[str, str]:
    """Return the environment of a service beside its bindings and ports."""
    env = {
        "SUP_INSTANCE": "dev",
        "SUP_DOMAIN": "localhost",
        "SUP_PUBLIC_URL": f"http://127.0.0.1:{ports['api']}",
        "SUP_HOST": "127.0.0.1",
        "SUP_DRAIN_SECONDS": "0",
    }
    if name in ("api", "worker"):
        env["SUP_EXPECTED_SCHEMA"] = schema
    if name == "api":
        env |= {"SUP_EMAIL_VERIFICATION": "true", "SUP_RATE_LIMITS_ENABLED": "false"}
    if name == "worker":
        for other in ("api", "websocket", "media"):
            env[f"SUP_CHECK_{other.upper()}_URL"] = f"http://127.0.0.1:{ports[other]}"
    return env


def wait_for_services(run: Run, services: list[Service]) -> None:
    """Return when all services say that they are ready."""
    for service in services:
        wait_until_ready(
            run,
            service.name,
            pid=service.pid,
            is_ready=lambda service=service: probe_ready(service),  # type: ignore[misc]
            seconds=_READY_SECONDS,
        )


def probe_ready(service: Service) -> bool:
    """Return whether a service answers 200 at /readyz."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
