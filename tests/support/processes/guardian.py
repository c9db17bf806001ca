"""Runs one server and ends it when the watched process ends, however that happens.

Started as a script in a session of its own, so that neither Ctrl-C nor a killed test run leaves a
server behind: `guardian.py '{"watch": PID, "command": [...], ...}'`. SIGTERM ends both at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 15


def _die_with_guardian() -> None:
    """Ask the kernel to kill this process should the guardian itself be killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start_server(options: dict[str, Any]) -> subprocess.Popen[bytes]:
    account: dict[str, Any] = {}
    if options["user"] is not None:
        account = {"user": options["user"], "group": options["group"], "extra_groups": []}
    with open(options["log"], "ab") as log:
        return subprocess.Popen(
            options["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=options["folder"],
            env=options["env"],
            start_new_session=True,
            preexec_fn=_die_with_guardian,  # safe: this program has one thread
            **account,
        )


def _wait_for_any_end(watched: int, server: int) -> None:
    """Return when the watched process ends, the server ends, or a signal comes."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    ends: list[int] = [watched, os.pidfd_open(server), reading.fileno()]
    select.select(ends, [], [])


def _end_server(server: subprocess.Popen[bytes], number: int) -> None:
    if server.poll() is None:
        server.send_signal(number)
        try:
            server.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    try:
        os.killpg(server.pid, signal.SIGKILL)  # children that outlived it
    except ProcessLookupError:
        return


def main() -> int:
    """Run the server that the one argument describes."""
    options = json.loads(sys.argv[1])
    try:
        watched = os.pidfd_open(options["watch"])
    except ProcessLookupError:
        return 0
    server = _start_server(options)
    try:
        _wait_for_any_end(watched, server.pid)
    finally:
        _end_server(server, options["stop_signal"])
        if options["remove"]:
            shutil.rmtree(options["folder"], ignore_errors=True)
            if select.select([watched], [], [], 0)[0]:  # it ended without clearing up
                shutil.rmtree(os.path.dirname(options["log"]), ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
