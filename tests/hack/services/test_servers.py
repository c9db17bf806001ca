"""A server under a guardian ends with the process it was started for."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.processes.servers import (
    NotStartedError,
    Program,
    Run,
    is_alive,
    list_own_ports,
    probe_free_port,
    start_guarded,
    start_once,
    stop_all,
    wait_until_ready,
)

# Writes its process id, then waits; a child of its own does the same.
SERVER = (
    "import os, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open('ids', 'w').write(f'{os.getpid()} {child.pid}\\n')\n"
    "time.sleep(600)\n"
)


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def start(run: Run) -> tuple[int, list[int]]:
    """Start a server; return the ids of its guardian and of its processes."""
    folder = run.folder / "server"
    folder.mkdir()
    program = Program(command=(sys.executable, "-c", SERVER))
    guardian = start_guarded(run, "server", folder=folder, program=program)
    ids = folder / "ids"
    wait_for(lambda: ids.exists() and ids.read_text().endswith("\n"))
    return guardian, [int(part) for part in ids.read_text().split()]


@pytest.fixture
def watched() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def test_a_killed_run_takes_its_servers_and_their_data_along(
    tmp_path: Path, watched: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    guardian, processes = start(Run(folder, watch=watched.pid))
    assert all(is_alive(pid) for pid in (guardian, *processes))
    watched.kill()
    watched.wait()
    wait_for(lambda: not any(is_alive(pid) for pid in (guardian, *processes)))
    assert not folder.exists()


def test_the_end_of_a_run_ends_its_servers(
    tmp_path: Path, watched: subprocess.Popen[bytes]
) -> None:
    run = Run(tmp_path, watch=watched.pid, keep_data=True)
    guardian, processes = start(run)
    stop_all(run)
    assert not any(is_alive(pid) for pid in (guardian, processes[0]))
    assert (tmp_path / "server" / "ids").exists()
    watched.kill()
    watched.wait()


def test_a_killed_guardian_takes_its_server_along(
    tmp_path: Path, watched: subprocess.Popen[bytes]
) -> None:
    guardian, processes = start(Run(tmp_path, watch=watched.pid))
    os.kill(guardian, signal.SIGKILL)
    wait_for(lambda: not is_alive(processes[0]))
    os.kill(processes[1], signal.SIGKILL)
    watched.kill()
    watched.wait()


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    run = Run(tmp_path, watch=os.getpid())
    (tmp_path / "server").mkdir()
    program = Program(command=(sys.executable, "-c", "print('no such port'); raise SystemExit(1)"))
    pid = start_guarded(run, "server", folder=tmp_path / "server", program=program)
    with pytest.raises(NotStartedError, match="no such port"):
        wait_until_ready(run, "server", pid=pid, is_ready=lambda: False, seconds=60)


def test_a_server_is_started_once_and_tried_again_when_its_port_was_taken(tmp_path: Path) -> None:
    run = Run(tmp_path, watch=os.getpid())
    tries: list[Path] = []

    def start_second_time(folder: Path) -> dict[str, object]:
        tries.append(folder)
        if len(tries) == 1:
            raise NotStartedError("taken")
        return {"port": 7}

    assert start_once(run, "server", start_second_time) == {"port": 7}
    assert start_once(run, "server", start_second_time) == {"port": 7}
    assert [folder.name for folder in tries] == ["server-1", "server-2"]
    assert json.loads((tmp_path / "server.json").read_text()) == {"port": 7}


def test_no_two_workers_give_out_the_same_port() -> None:
    shares = [set(list_own_ports(name)) for name in ("", "gw1", "gw2", "gw15")]
    assert sum(map(len, shares)) == len(set().union(*shares))
    assert list_own_ports("gw0") == list_own_ports("")


def test_a_port_is_given_out_once_and_not_while_something_has_it() -> None:
    own = list_own_ports(os.environ.get("PYTEST_XDIST_WORKER", ""))
    ports = [probe_free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    assert set(ports) <= set(own)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", port := probe_free_port()))
            assert port not in {probe_free_port() for _ in own}
