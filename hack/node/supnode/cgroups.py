"""The control groups of a node: whatever runs in them belongs to it, recorded or not."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from supnode.waiting import probe_until

PARENT = "sup-node"
PROCESSES = "processes"  # the group of the node's own programs; pods lie beside it


def parse_hierarchies(mounts: str) -> list[Path]:
    """Return the mount points of the cgroup hierarchies named in /proc/mounts."""
    rows = [line.split() for line in mounts.splitlines()]
    found = [(row[2], Path(row[1])) for row in rows if row[2] in {"cgroup", "cgroup2"}]
    return list(dict.fromkeys(path for _, path in found))


def gather_hierarchies() -> list[Path]:
    """Return the mount points of this machine's cgroup hierarchies."""
    return parse_hierarchies(Path("/proc/mounts").read_text())


class NodeCgroups:
    """The groups `/sup-node/<name>` in every hierarchy."""

    def __init__(self, name: str, hierarchies: Iterable[Path] | None = None) -> None:
        self.name = name
        self._hierarchies = list(gather_hierarchies() if hierarchies is None else hierarchies)

    @property
    def root(self) -> str:
        """Return the node's group as the kubelet is told it."""
        return f"/{PARENT}/{self.name}"

    @property
    def folders(self) -> list[Path]:
        """Return the node's folder in each hierarchy."""
        return [hierarchy / PARENT / self.name for hierarchy in self._hierarchies]

    @property
    def tracking(self) -> Path:
        """Return the folder whose members are the node's own programs and their children."""
        by_name = {folder.parent.parent.name: folder for folder in self.folders}
        chosen = by_name.get("pids") or by_name.get("systemd") or self.folders[0]
        return chosen / PROCESSES

    def create(self) -> None:
        """Make the groups; the kubelet insists on its root in every hierarchy."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            # In version 1 a new cpuset is empty, and nothing can be put into an empty one.
            for level in (folder.parent, folder):
                for file in ("cpuset.cpus", "cpuset.mems"):
                    if (level / file).exists() and not (level / file).read_text().strip():
                        (level / file).write_text((level.parent / file).read_text())
            if (folder / "cgroup.subtree_control").exists():
                self._delegate(folder)
        self.tracking.mkdir(exist_ok=True)

    def gather_pids(self) -> set[int]:
        """Return every process in the node's groups."""
        found: set[int] = set()
        for folder in self.folders:
            for group in gather_groups(folder):
                with contextlib.suppress(OSError):
                    found.update(map(int, (group / "cgroup.procs").read_text().split()))
        return found - {0}

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every process in the node's groups."""
        for pid in self.gather_pids() - {os.getpid()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_all(self, *, seconds: float = 20) -> bool:
        """Kill until nothing is left; return whether that was reached in time."""

        def is_empty() -> bool:
            self.signal_all(signal.SIGKILL)
            return not self.gather_pids()

        return probe_until(is_empty, seconds=seconds)

    def remove(self, *, seconds: float = 10) -> bool:
        """Remove the groups, and their common parent when it is the last node's."""

        def is_gone() -> bool:
            for folder in self.folders:
                for group in [*gather_groups(folder), folder.parent]:
                    _remove(group)
            return not any(folder.exists() for folder in self.folders)

        return probe_until(is_gone, seconds=seconds)

    @staticmethod
    def _delegate(folder: Path) -> None:
        for level in (folder.parent.parent, folder.parent, folder):
            with contextlib.suppress(OSError):
                offered = (level / "cgroup.controllers").read_text().split()
                wanted = " ".join(f"+{controller}" for controller in offered)
                (level / "cgroup.subtree_control").write_text(wanted)


def gather_groups(folder: Path) -> list[Path]:
    """Return a group and all beneath it, the innermost first; groups may vanish meanwhile."""
    return [Path(place) for place, _, _ in os.walk(folder, topdown=False)]


def _remove(folder: Path) -> None:
    # Busy or already gone: the caller looks again until its deadline.
    with contextlib.suppress(OSError):
        if folder.is_dir():
            folder.rmdir()
