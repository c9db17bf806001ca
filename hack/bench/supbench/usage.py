"""Processor time and memory of a process, its own or another's."""

import time
from pathlib import Path

# The kernel's clock of all the threads of a process: precise to the nanosecond, where the ticks
# of /proc/<pid>/stat are 10 ms (see clock_getcpuclockid(3)).
_CLOCK_BITS, _CLOCK_OF_PROCESS = 3, 2


def read_cpu_seconds(pid: int) -> float:
    """Return the processor time a living process has used."""
    return time.clock_gettime((~pid << _CLOCK_BITS) | _CLOCK_OF_PROCESS)


def read_resident_bytes(pid: int) -> int:
    """Return how much memory a process holds now."""
    return parse_resident_bytes(Path(f"/proc/{pid}/status").read_text())


def parse_resident_bytes(status: str) -> int:
    """Return VmRSS of a /proc/<pid>/status; ValueError when it has none."""
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no VmRSS: the process has ended")


def find_child(pid: int) -> int:
    """Return the one child of a process; ValueError when there is none or more."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if len(children) != 1:
        raise ValueError(f"process {pid} has {len(children)} children instead of one")
    return int(children[0])
