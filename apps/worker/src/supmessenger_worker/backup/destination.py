"""The folder of archives: one writer at a time, room for the next one, and which to keep."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from supmessenger_worker.backup.reader import compute_sidecar

_PARTIAL = ".partial"
_STAMP = "%Y%m%dT%H%M%SZ"


class DestinationError(Exception):
    """An archive can not be written there; the message says why and what to do."""


def build_name(instance: str, created_at: datetime) -> str:
    """Return an archive's name: `sup-<instance>-<UTC time>.tar.zst`."""
    return f"sup-{instance}-{created_at.strftime(_STAMP)}.tar.zst"


@contextmanager
def locked_destination(folder: Path) -> Iterator[None]:
    """Keep other writers out; remove what a run that was cut off has left."""
    if not folder.is_dir():
        raise DestinationError(f"{folder} is no folder: mount the volume of the backups there")
    try:
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise DestinationError(f"{folder} can not be written: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DestinationError(f"another backup is being written to {folder}") from error
        for leftover in folder.glob(f".sup-*{_PARTIAL}"):
            leftover.unlink()
        yield


def check_space(folder: Path, *, needed: int) -> None:
    """Raise DestinationError unless the volume has room for what the archive may need."""
    volume = os.statvfs(folder)
    free = volume.f_bavail * volume.f_frsize
    if free < needed:
        raise DestinationError(
            f"the backup may need {needed:,} bytes and {folder} has {free:,} free: enlarge its "
            "volume (spec.backup.destination.volume.size) or keep fewer archives "
            "(spec.backup.retention.keepLast); old ones are deleted only after a new one is whole"
        )


@contextmanager
def open_partial(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a hidden file beside an archive's path; remove it unless it was published."""
    if path.exists():
        raise DestinationError(f"{path.name} exists already")
    partial = path.with_name(f".{path.name}{_PARTIAL}")
    try:
        with partial.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            yield partial, file
    finally:
        partial.unlink(missing_ok=True)


def sync_file(file: BinaryIO) -> None:
    """Return when the file's content is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def publish(partial: Path, path: Path, *, sha256: str) -> None:
    """Give an archive its name, its checksum first: an archive is never without one."""
    sidecar = compute_sidecar(path)
    draft = partial.with_name(f".{sidecar.name}{_PARTIAL}")
    with draft.open("xb") as file:
        file.write(f"{sha256}  {path.name}\n".encode())
        sync_file(file)
    draft.rename(sidecar)
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def compute_outdated(names: Sequence[str], *, instance: str, keep: int) -> tuple[str, ...]:
    """Return the archives of an instance beyond the newest `keep`; other files are never named."""
    pattern = re.compile(rf"sup-{re.escape(instance)}-\d{{8}}T\d{{6}}Z\.tar\.zst")
    archives = sorted(name for name in names if pattern.fullmatch(name))
    return tuple(archives[: max(0, len(archives) - keep)])


def remove_outdated(folder: Path, *, instance: str, keep: int) -> tuple[str, ...]:
    """Delete the archives that are beyond the newest `keep`, and their checksums."""
    names = [path.name for path in folder.iterdir()]
    outdated = compute_outdated(names, instance=instance, keep=keep)
    for name in outdated:
        (folder / name).unlink()
        compute_sidecar(folder / name).unlink(missing_ok=True)
    return outdated
