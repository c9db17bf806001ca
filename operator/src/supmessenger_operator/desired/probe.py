"""Probes: how the kubelet asks a container whether it has started, is ready, still lives."""

from collections.abc import Mapping
from typing import Any

Check = Mapping[str, Any]


def build_http_check(path: str, port: str, *, scheme: str = "HTTP") -> Check:
    """Ask over HTTP; any answer from 200 to 399 is good."""
    return {"httpGet": {"path": path, "port": port, "scheme": scheme}}


def build_tcp_check(port: str) -> Check:
    """Open a connection."""
    return {"tcpSocket": {"port": port}}


def build_shell_check(script: str) -> Check:
    """Run a line of shell; secrets are read from files inside it, never written into it."""
    return {"exec": {"command": ["sh", "-c", script]}}


def build_probes(
    *, startup: Check, readiness: Check, liveness: Check | None, startup_seconds: int = 300
) -> dict[str, Mapping[str, Any]]:
    """Return the probes of a container that has `startup_seconds` until it must answer."""
    probes: dict[str, Mapping[str, Any]] = {
        "startupProbe": {
            **startup,
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": startup_seconds // 2,
        },
        "readinessProbe": {
            **readiness,
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 2,
        },
    }
    if liveness is not None:
        probes["livenessProbe"] = {
            **liveness,
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        }
    return probes
