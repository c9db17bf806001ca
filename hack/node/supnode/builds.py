"""Building Go binaries into a cache that is keyed by content."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from supnode.catalogue import (
    GROUPS,
    Binary,
    Group,
    compute_key,
    find_binary,
    find_group,
    gather_group_key,
)
from supnode.commands import run_captured, run_logged
from supnode.locks import hold_lock
from supnode.preflight import read_memory
from supnode.toolchains import ensure_go

CRDS = "metallb-crds.yaml"
# What the linker strips anyway (`-s -w`) is not compiled either.
NO_DEBUG = "-gcflags=all=-dwarf=false"
MIB = 1 << 20
MOST_HEAP, LEAST_HEAP = 2048 * MIB, 512 * MIB
BUILD_CURE = (
    "read the log; 'python3 hack/node clean --cache' starts afresh; the Go module proxy must "
    "be reachable"
)


class BuildCache:
    """The built binaries: one folder per group and content, and one of links to them all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def group_folder(self, group: Group) -> Path:
        """Return the folder of this group's binaries for its present content."""
        return self.root / "go" / f"{group.name}-{gather_group_key(group)}"

    def bin_folder(self) -> Path:
        """Return the folder of links to every binary, for the present content of all groups."""
        keys = {group.name: gather_group_key(group).encode() for group in GROUPS}
        return self.root / "bin" / compute_key(keys, flags="")

    def path(self, name: str) -> Path:
        """Return where a binary is once it is built."""
        return self.group_folder(find_group(name)) / name

    def link_all(self) -> Path:
        """Bring the links up to date with what is built; return their folder."""
        folder = self.bin_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for group in GROUPS:
            source = self.group_folder(group)
            for binary in group.binaries:
                if (source / binary.name).exists():
                    _link(source / binary.name, folder / binary.name)
        return folder

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those of the binaries that are not built yet."""
        return [name for name in names if not self.path(name).exists()]

    def ensure(self, names: Sequence[str]) -> None:
        """Build those of the binaries that are missing, one compiler call per group."""
        for group in GROUPS:
            wanted = [name for name in names if find_group(name) is group]
            if self.missing(wanted):
                # A second caller waits here, and then finds the binaries built.
                with hold_lock(self.root / "locks" / f"{group.name}.lock"):
                    missing = self.missing(wanted)
                    if missing:
                        self._build(group, [find_binary(name) for name in missing])
        self.link_all()

    def ensure_metallb_crds(self) -> Path:
        """Return a file with MetalLB's CRDs, taken from its module."""
        group = find_group("metallb-controller")
        target = self.group_folder(group) / CRDS
        if not target.exists():
            go = str(ensure_go(self.root))
            module = "go.universe.tf/metallb"
            argv = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
            run_captured([go, "mod", "download", module], cwd=group.folder, cure=BUILD_CURE)
            folder = Path(run_captured(argv, cwd=group.folder, cure=BUILD_CURE).strip())
            parts = sorted((folder / "config" / "crd" / "bases").glob("*.yaml"))
            draft = target.with_name(f".{CRDS}.{os.getpid()}")
            draft.write_text("\n---\n".join(part.read_text() for part in parts))
            draft.replace(target)
        return target

    def remove(self) -> None:
        """Remove what was built; folders that others keep beside it are left alone."""
        for name in ("go", "bin", "toolchains", "node-images", "locks", "logs"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for scratch in self.root.glob("building-*"):
            shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.root.rmdir()

    def _build(self, group: Group, binaries: list[Binary]) -> None:
        go = str(ensure_go(self.root))
        folder = self.group_folder(group)
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f"building-{group.name}-"
        # We hold the group's lock, so what stands here was left by a run that was cut off.
        for stale in self.root.glob(f"{prefix}*"):
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.root, prefix=prefix) as scratch:
            run_logged(
                [go, "build", "-trimpath", NO_DEBUG, *group.flags, "-o", f"{scratch}/"]
                + [binary.package for binary in binaries],
                log=self.root / "logs" / f"build-{group.name}.log",
                cwd=group.folder,
                cure=BUILD_CURE,
                # GOTOOLCHAIN: a toolchain of Go's own choosing could not be fetched everywhere.
                env={
                    "CGO_ENABLED": "0",
                    "GOFLAGS": "-buildvcs=false -mod=readonly",
                    "GOTOOLCHAIN": "local",
                    "GOWORK": "off",
                    # Of the compiler itself: collecting takes a good part of its time, and most of
                    # its processes end before memory gets tight.
                    "GOGC": "off",
                    "GOMEMLIMIT": str(
                        compute_heap_limit(memory=read_memory(), cores=os.cpu_count() or 1)
                    ),
                },
            )
            for binary in binaries:
                shutil.move(Path(scratch) / binary.built_as, folder / binary.name)


def compute_heap_limit(*, memory: int, cores: int) -> int:
    """Return the bytes at which a compiler collects; one runs on each core, in half the memory."""
    return max(LEAST_HEAP, min(MOST_HEAP, memory // (2 * cores)))


def _link(source: Path, link: Path) -> None:
    if link.is_symlink() and link.readlink() == source:
        return
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(source)
    draft.replace(link)
