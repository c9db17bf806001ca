"""The two steps of a restore by hand that need more than a shell: unpack, and put objects back."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from supmessenger_worker.backup.manifest import MANIFEST, OBJECTS, Manifest, Member, parse_json
from supmessenger_worker.backup.objects import ObjectsError, ObjectStore
from supmessenger_worker.backup.reader import CHUNK, BrokenError, extract_archive

Say = Callable[[str], None]


class CallError(Exception):
    """What was given in the call is not fit for what is asked."""


def extract_to_empty(archive: Path, folder: Path) -> Manifest:
    """Unpack into a folder that is empty or new; what is broken leaves nothing behind."""
    if folder.exists() and any(folder.iterdir()):
        raise CallError(f"{folder} is not empty")
    try:
        return extract_archive(archive, folder)
    except (BrokenError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        raise


def put_objects(folder: Path, store: ObjectStore, *, say: Say) -> int:
    """Upload all objects of an unpacked archive; return their number."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CallError(f"{folder} has no {MANIFEST}: unpack an archive with sup-backup extract")
    members = [
        member
        for member in parse_json(path.read_bytes()).members
        if member.name.startswith(f"{OBJECTS}/")
    ]
    for member in members:
        _check(member, folder / member.name)
    for number, member in enumerate(members, 1):
        store.put_file(member, folder / member.name)
        if number % 1000 == 0:
            say(f"object {number} of {len(members)}")
    return len(members)


def _check(member: Member, path: Path) -> None:
    """Raise ObjectsError unless a file is still what the manifest says."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ObjectsError(f"{member.name} can not be read: {error}") from error
    if digest.hexdigest() != member.sha256:
        raise ObjectsError(f"{member.name} has another content than the archive")
