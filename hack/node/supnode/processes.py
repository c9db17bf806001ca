"""The node's long-running programs: started apart from this process, tracked by pid and start."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from supnode.commands import build_environment
from supnode.waiting import probe_until

# The program's own shell joins the control group and writes its record before it becomes the
# program, so there is no moment at which a cut-off run leaves it running without either.
LAUNCHER = """
set -e
cd /
echo $$ > "$1/cgroup.procs"
stat=$(cat /proc/$$/stat)
start=$(echo "${stat##*) }" | cut -d' ' -f20)
boot=$(cat /proc/sys/kernel/random/boot_id)
printf '{"pid": %s, "start": %s, "boot": "%s", "digest": "%s"}\\n' \
  $$ "$start" "$boot" "$3" > "$2.draft"
mv "$2.draft" "$2"
shift 3
exec "$@"
"""


@dataclass(frozen=True)
class Unit:
    """A program to keep running: its arguments and whether it lives inside the node."""

    name: str
    argv: tuple[str, ...]
    inside: bool = True
    env: tuple[tuple[str, str], ...] = ()
    config: tuple[Path, ...] = field(default=())

    def digest(self) -> str:
        """Return what changes when the program must be started anew."""
        seen = hashlib.sha256(repr((self.argv, self.env, self.inside)).encode())
        for path in self.config:
            seen.update(path.read_bytes())
        return seen.hexdigest()[:16]


@dataclass(frozen=True)
class Record:
    """One started program, told apart from a later one with the same pid."""

    name: str
    pid: int
    start: int
    boot: str
    digest: str

    def is_alive(self) -> bool:
        """Return whether that very process still runs."""
        return self.boot == _gather_boot() and gather_start(self.pid) == self.start


def _gather_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def parse_start(stat: str) -> int | None:
    """Return the start time in a /proc/PID/stat; None for a process that has ended."""
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def gather_start(pid: int) -> int | None:
    """Return the start time of a running process in clock ticks since boot."""
    # A child of ours that ended stays a zombie until it is asked for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return parse_start(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


class ProcessTable:
    """Starts and stops the programs of one node."""

    def __init__(self, *, pids: Path, logs: Path, tracking: Path) -> None:
        self._pids = pids
        self._logs = logs
        self._tracking = tracking

    def log(self, name: str) -> Path:
        """Return the log of a program."""
        return self._logs / f"{name}.log"

    def find(self, name: str) -> Record | None:
        """Return the record of a program, running or not."""
        try:
            row = json.loads((self._pids / name).read_text())
            return Record(name=name, **row)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def is_running(self, name: str) -> bool:
        """Return whether a program runs."""
        record = self.find(name)
        return record is not None and record.is_alive()

    def is_current(self, unit: Unit) -> bool:
        """Return whether a program runs with these very arguments and configuration."""
        record = self.find(unit.name)
        return record is not None and record.is_alive() and record.digest == unit.digest()

    def start(self, unit: Unit, *, enter: Sequence[str] = ()) -> None:
        """Start a program unless it runs as asked; one that runs otherwise is stopped first."""
        if self.is_current(unit):
            return
        self.stop(unit.name)
        self._pids.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        record = self._pids / unit.name
        record.unlink(missing_ok=True)
        prefix = list(enter) if unit.inside else []
        log = str(self.log(unit.name))
        # Not a Popen: the program is meant to outlive this process, and Popen objects to that.
        pid = os.posix_spawn(
            "/bin/sh",
            [
                *("sh", "-c", LAUNCHER, "launch"),
                *(str(self._tracking), str(record), unit.digest()),
                *prefix,
                *unit.argv,
            ],
            build_environment(dict(unit.env)),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        probe_until(lambda: record.exists() or gather_start(pid) is None, seconds=10)

    def stop(self, name: str, *, seconds: float = 15) -> None:
        """End a program: politely first, by force after the deadline."""
        record = self.find(name)
        if record is not None:
            for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
                if not record.is_alive():
                    break
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, number)
                if probe_until(lambda: not record.is_alive(), seconds=patience):
                    break
            (self._pids / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of all recorded programs."""
        if not self._pids.is_dir():
            return []
        return sorted(path.name for path in self._pids.iterdir() if "." not in path.name)
