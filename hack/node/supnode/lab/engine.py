"""Debian's Docker engine, unpacked and never installed, in namespaces of its own.

It edits firewall chains, links and routes; all of that happens in a network namespace without a
way out, so that the machine's own tables stay untouched and all of it ends with the last process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from supnode.cgroups import NodeCgroups
from supnode.commands import build_environment, probe_succeeds, run_logged
from supnode.failure import Failure
from supnode.locks import hold_lock
from supnode.paths import NODE_FOLDER, compute_state_root
from supnode.processes import ProcessTable, Unit
from supnode.waiting import wait_until

NAME = "docker-lab"
PACKAGE = "docker.io"
HOLDER, DAEMON = "holder", "dockerd"
RUNTIME = NODE_FOLDER / "kind" / "runc-without-rlimits"
HOLD = "ip link set lo up && mount -t tmpfs tmpfs /run/netns 2>/dev/null; exec sleep infinity"
CURE = "this needs root on a Debian machine whose packages can be fetched"


class Engine:
    """dockerd with its namespaces, data and control groups."""

    def __init__(self, cache: Path) -> None:
        self._unpacked = cache / "docker"
        self._lock = cache / "locks" / "docker.lock"
        self.root = compute_state_root(os.environ) / NAME
        self._cgroups = NodeCgroups(NAME)
        self._processes = ProcessTable(
            pids=self.root / "pids", logs=self.root / "logs", tracking=self._cgroups.tracking
        )

    @property
    def host(self) -> str:
        """Return the value of DOCKER_HOST."""
        return f"unix://{self.root}/docker.sock"

    @property
    def client(self) -> Path:
        """Return the folder with the `docker` client of this engine."""
        return self._unpacked / "usr" / "bin"

    def enter(self) -> list[str]:
        """Return the words that run a program in the engine's namespaces."""
        record = self._processes.find(HOLDER)
        if record is None or not record.is_alive():
            raise Failure("the engine of the tests is not up", cure="make test-kind")
        return ["nsenter", "--target", str(record.pid), "--net", "--mount", "--"]

    def up(self) -> None:
        """Start the engine and wait until it answers."""
        self._fetch()
        self._cgroups.create()
        holder = ("unshare", "--net", "--mount", "--propagation", "private")
        self._processes.start(Unit(HOLDER, (*holder, "/bin/sh", "-c", HOLD), inside=False))
        wait_until(self._is_entered, what="the engine's namespaces", seconds=15, cure=CURE)
        daemon = Unit(DAEMON, self._build_command(), env=(("PATH", self._build_path()),))
        self._processes.start(daemon, enter=self.enter())
        log = self._processes.log(DAEMON)
        wait_until(self.is_answering, what="dockerd", seconds=60, log=log, cure="read the log")

    def is_answering(self) -> bool:
        """Return whether the engine answers."""
        docker = str(self.client / "docker")
        return probe_succeeds([docker, "--host", self.host, "version"])

    def down(self) -> None:
        """End everything that ran in the engine, and remove its data."""
        self._processes.stop(DAEMON, seconds=20)
        if not self._cgroups.kill_all():
            raise Failure("processes of the engine do not end", cure="a reboot ends them")
        self._processes.stop(HOLDER, seconds=1)
        if not self._cgroups.remove():
            raise Failure("control groups of the engine stay", cure="run it again")
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Return the environment of programs that speak to this engine."""
        return build_environment({"DOCKER_HOST": self.host, "PATH": self._build_path()})

    def run(self, *words: str, log: Path) -> None:
        """Run the `docker` client with its output in a log."""
        run_logged(["docker", *words], log=log, env=self.environment(), cure="read the log")

    def _is_entered(self) -> bool:
        record = self._processes.find(HOLDER)
        if record is None or not record.is_alive():
            return False
        return os.readlink(f"/proc/{record.pid}/ns/net") != os.readlink("/proc/self/ns/net")

    def _build_path(self) -> str:
        own = f"{self.client}:{self._unpacked}/usr/sbin"
        return f"{own}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

    def _build_command(self) -> tuple[str, ...]:
        return (
            "dockerd",
            f"--host={self.host}",
            f"--data-root={self.root}/data",
            f"--exec-root={self.root}/run",
            f"--pidfile={self.root}/docker.pid",
            f"--cgroup-parent={self._cgroups.root}/containers",
            "--storage-driver=overlay2",
            # Root may not lower it on every machine.
            "--oom-score-adjust=0",
            f"--add-runtime=eased={RUNTIME}",
            "--default-runtime=eased",
        )

    def _fetch(self) -> None:
        """Unpack Debian's package into the cache, unless it is there."""
        with hold_lock(self._lock):
            if (self._unpacked / "usr/sbin/dockerd").exists():
                return
            log = self.root / "logs" / "fetch.log"
            self._unpacked.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._unpacked.parent) as scratch:
                run_logged(["apt-get", "download", PACKAGE], log=log, cwd=Path(scratch), cure=CURE)
                (package,) = Path(scratch).glob("*.deb")
                target = Path(scratch) / "root"
                subprocess.run(["dpkg", "-x", package, target], check=True)
                target.replace(self._unpacked)
