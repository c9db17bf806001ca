"""Asks for a Docker engine: a client alone stands on many machines without one."""

from __future__ import annotations

import subprocess

from supnode.commands import build_environment


def probe_engine() -> str:
    """Return the version of the Docker engine that answers, or nothing."""
    try:
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=5,
            env=build_environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
