"""What a node could leave on the machine, so that before and after can be compared."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, fields
from pathlib import Path

from supnode.cgroups import PARENT, gather_groups, gather_hierarchies
from supnode.commands import run_captured
from supnode.debian import find_program
from supnode.processes import parse_start


@dataclass(frozen=True)
class Snapshot:
    """The state of the machine that a node touches; each field is a set of plain lines."""

    processes: frozenset[str]
    mounts: frozenset[str]
    network_namespaces: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    firewall: frozenset[str]
    cgroups: frozenset[str]
    sockets: frozenset[str]


def compute_difference(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what appeared and what vanished, one line each; empty when nothing changed."""
    lines = []
    for field in fields(Snapshot):
        old: frozenset[str] = getattr(before, field.name)
        new: frozenset[str] = getattr(after, field.name)
        lines += [f"{field.name}: left behind: {line}" for line in sorted(new - old)]
        lines += [f"{field.name}: gone: {line}" for line in sorted(old - new)]
    return lines


def parse_firewall(saved: str) -> frozenset[str]:
    """Return the chains and rules of an iptables-save, without comments and counters."""
    table = ""
    lines = []
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line and not line.startswith("#") and line != "COMMIT":
            lines.append(f"{table} {line.partition(' [')[0] if line.startswith(':') else line}")
    return frozenset(lines)


def parse_mounts(mountinfo: str, *, within: str) -> frozenset[str]:
    """Return the mount points beneath a folder."""
    points = [line.split()[4] for line in mountinfo.splitlines()]
    return frozenset(point for point in points if is_within(point, within))


def parse_sockets(table: str, *, within: str) -> frozenset[str]:
    """Return the sockets in /proc/net/unix whose path lies beneath a folder."""
    paths = [line.split()[7] for line in table.splitlines()[1:] if len(line.split()) > 7]
    return frozenset(path for path in paths if is_within(path, within))


def is_within(path: str, folder: str) -> bool:
    """Return whether a path is the folder or lies beneath it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def gather_snapshot(*, name: str, root: Path) -> Snapshot:
    """Look at the machine as far as a node of this name and folder can have changed it.

    Links, routes and the firewall are taken whole: a node's traces there bear no name. The rest
    is narrowed to what the node's folder or group names, since other programs come and go.
    """
    state = str(root)
    processes, namespaces = _gather_processes(name, state)
    return Snapshot(
        processes=processes,
        mounts=parse_mounts(Path("/proc/self/mountinfo").read_text(), within=state)
        | parse_mounts(Path("/proc/self/mountinfo").read_text(), within="/run/netns"),
        network_namespaces=namespaces | _gather_named_namespaces(),
        links=frozenset(
            line.split(":")[1].strip().partition("@")[0]
            for line in run_captured(["ip", "-o", "link"]).splitlines()
        ),
        routes=frozenset(
            line.strip() for line in run_captured(["ip", "route"]).splitlines() if line.strip()
        ),
        firewall=_gather_firewall(),
        cgroups=frozenset(
            str(folder)
            for hierarchy in gather_hierarchies()
            for folder in gather_groups(hierarchy / PARENT / name)
        ),
        sockets=parse_sockets(Path("/proc/net/unix").read_text(), within=state)
        | frozenset(map(str, gather_socket_files(root))),
    )


def _gather_processes(name: str, state: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the node's processes and the network namespaces that they live in."""
    found, namespaces = set(), set()
    own = os.readlink("/proc/self/ns/net")
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end between two looks.
        with contextlib.suppress(OSError):
            if parse_start(folder.joinpath("stat").read_text()) is None:
                continue  # ended, and only waits for its parent to take note
            command = folder.joinpath("cmdline").read_bytes().decode(errors="replace")
            groups = folder.joinpath("cgroup").read_text()
            if f"/{PARENT}/{name}/" in groups or f"{state}/" in command:
                found.add(f"{folder.name} {command.replace(chr(0), ' ').strip()[:100]}")
                namespace = os.readlink(folder / "ns" / "net")
                if namespace != own:
                    namespaces.add(namespace)
    return frozenset(found), frozenset(namespaces)


def _gather_named_namespaces() -> frozenset[str]:
    folder = Path("/run/netns")
    return frozenset(str(path) for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _gather_firewall() -> frozenset[str]:
    lines: frozenset[str] = frozenset()
    for program in ("iptables-save", "ip6tables-save"):
        if find_program(program):
            saved = parse_firewall(run_captured([program]))
            lines |= frozenset(f"{program} {line}" for line in saved)
    return lines


def gather_socket_files(root: Path) -> list[Path]:
    """Return the sockets in a node's folder, less those that pods keep in their volumes."""
    found = []
    # The images' content is large and holds no sockets.
    for folder in (root / "run", root / "kubelet", root / "pids"):
        for place, _, files in os.walk(folder):
            for path in (Path(place) / file for file in files):
                with contextlib.suppress(OSError):
                    if stat.S_ISSOCK(path.lstat().st_mode):
                        found.append(path)
    return found
