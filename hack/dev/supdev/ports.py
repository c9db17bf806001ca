"""Ports of a development run: the usual one where it is free, any other where it is not."""

from __future__ import annotations

import os
import socket

from support.processes.servers import probe_free_port


def choose_port(usual: int) -> int:
    """Return the usual port of a service, or a free one when something else has it.

    `SUP_DEV_PORTS=free` takes free ports at once, so that a check never meets another run.
    """
    if os.environ.get("SUP_DEV_PORTS") == "free" or not _is_bindable(usual):
        return probe_free_port()
    return usual


def _is_bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on a loopback port."""
    with socket.socket() as door:
        door.settimeout(1)
        return door.connect_ex(("127.0.0.1", port)) == 0
