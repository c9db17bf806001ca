"""Waiting for a real condition, never for a length of time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from supnode.failure import Failure

INTERVAL = 0.1  # seconds between two looks


def wait_until(
    condition: Callable[[], bool],
    *,
    what: str,
    seconds: float,
    log: Path | None = None,
    cure: str = "",
) -> None:
    """Return as soon as the condition holds; a Failure once the deadline has passed."""
    if not probe_until(condition, seconds=seconds):
        raise Failure(f"{what}: not within {seconds:.0f} s", log=log, cure=cure)


def probe_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Return whether the condition came to hold before the deadline."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(INTERVAL)
    return True


def probe_port(host: str, port: int) -> bool:
    """Return whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
