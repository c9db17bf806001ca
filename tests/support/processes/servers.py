"""Starts servers under a guardian, once per run, shared by the processes of a run."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_GUARDIAN = Path(__file__).with_name("guardian.py")
_START_ATTEMPTS = 3
# Below those that the system gives to whoever asks for any port, as every test and every
# connection does: what is free here now is still free when its server binds it, seconds later.
_PORTS = range(20000, 30000)
# So many workers of pytest-xdist have ports of their own.
_SHARES = 16


class NotStartedError(Exception):
    """A server ended, or did not answer, before it was ready; the message ends with its log."""


@dataclass(frozen=True)
class Account:
    """The user and group a server runs as when its caller is root."""

    user: int
    group: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: the command, its environment, and how to tell it to stop."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Run:
    """One run: a folder for its servers, and the process whose end is the end of them all."""

    folder: Path
    watch: int
    keep_data: bool = False

    def build_record(self, name: str) -> Path:
        """Return the file that tells that a server runs, and where."""
        return self.folder / f"{name}.json"


def list_own_ports(worker: str) -> range:
    """Return the ports that a worker of pytest-xdist may give out, and no other worker does."""
    number = int(re.sub(r"\D", "", worker) or 0)
    return _PORTS[number % _SHARES :: _SHARES]


@cache
def _cycle_ports() -> Iterator[int]:
    ports = list_own_ports(os.environ.get("PYTEST_XDIST_WORKER", ""))
    # Another run on this machine begins elsewhere.
    begin = random.randrange(len(ports))
    return itertools.cycle((*ports[begin:], *ports[:begin]))


def probe_free_port() -> int:
    """Return a loopback port that nothing listens on now, and that is given to nobody else."""
    return next(port for port in _cycle_ports() if _is_free(port))


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; others wait."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start_guarded(run: Run, name: str, *, folder: Path, program: Program) -> int:
    """Start a server under a guardian; return the guardian's process id."""
    account = program.account
    options = {
        "watch": run.watch,
        "command": program.command,
        "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **program.env},
        "folder": str(folder),
        "log": str(run.folder / f"{name}.log"),
        "user": account.user if account else None,
        "group": account.group if account else None,
        "stop_signal": int(program.stop_signal),
        "remove": not run.keep_data,
    }
    # The guardian must not keep the run's output open: a pipeline would wait for it.
    guardian = subprocess.Popen(
        [sys.executable, "-IS", str(_GUARDIAN), json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    (run.folder / f"{name}.pid").write_text(str(guardian.pid))
    guardian.returncode = 0  # it outlives this process on purpose: no ResourceWarning
    return guardian.pid


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_ready(
    run: Run, name: str, *, pid: int, is_ready: Callable[[], bool], seconds: float
) -> None:
    """Poll a server until it answers; NotStartedError when it ends or the time is over."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if not is_alive(pid) or time.monotonic() > deadline:
            log = run.folder / f"{name}.log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
            stop_guardian(pid)
            raise NotStartedError(f"{name} did not become ready\n{tail}")
        time.sleep(0.03)


def start_once(run: Run, name: str, start: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Start a server unless the run already has it; return what `start` told about it.

    `start` gets an empty folder. A port that somebody else took meanwhile is cured by another try.
    """
    record = run.build_record(name)
    with locked(run.folder / f"{name}.lock"):
        if not record.exists():
            record.write_text(json.dumps(_start_with_retries(run, name, start)))
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def _start_with_retries(
    run: Run, name: str, start: Callable[[Path], dict[str, Any]]
) -> dict[str, Any]:
    for attempt in range(1, _START_ATTEMPTS + 1):
        folder = run.folder / (name if run.keep_data else f"{name}-{attempt}")
        folder.mkdir(exist_ok=run.keep_data)
        try:
            return start(folder)
        except NotStartedError:
            if attempt == _START_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def stop_guardian(pid: int, *, seconds: float = 20) -> None:
    """End a guardian, and with it its server, and wait for that."""
    deadline = time.monotonic() + seconds
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def stop_all(run: Run) -> None:
    """End every server of a run, whoever started it."""
    pids = [int(path.read_text()) for path in run.folder.glob("*.pid")]
    for pid in pids:  # all at once first, so that they end side by side
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in pids:
        stop_guardian(pid)
