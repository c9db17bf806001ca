"""Makes an archive: dump and objects in, a verified file out, and only then fewer old ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from supmessenger_worker.backup.destination import (
    build_name,
    check_space,
    locked_destination,
    open_partial,
    publish,
    remove_outdated,
    sync_file,
)
from supmessenger_worker.backup.manifest import DUMP, Manifest
from supmessenger_worker.backup.objects import ObjectStore
from supmessenger_worker.backup.reader import verify_archive
from supmessenger_worker.backup.writer import ArchiveWriter

_MAGIC = b"PGDMP"
# Headers, manifest and what the compressor adds to what it can not make smaller.
_OVERHEAD = 1.02
_OVERHEAD_PER_OBJECT = 2048
_PROGRESS_SECONDS = 5.0

Say = Callable[[str], None]


class DumpError(Exception):
    """The database dump is missing or is none."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to write and where to."""

    instance: str
    dump: Path
    destination: Path
    keep: int
    schema_version: str | None
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Created:
    """The archive that was made, and the old ones that were deleted after."""

    path: Path
    size: int
    sha256: str
    manifest: Manifest
    removed: tuple[str, ...]


def create_archive(request: Request, store: ObjectStore, *, say: Say) -> Created:
    """Write one archive atomically, verify it, then apply retention."""
    _check_dump(request.dump)
    with locked_destination(request.destination):
        total, count = _measure(request, store)
        say(f"dump and {count} objects, {total:,} bytes")
        needed = int(total * _OVERHEAD) + count * _OVERHEAD_PER_OBJECT + (1 << 20)
        check_space(request.destination, needed=needed)
        path = request.destination / build_name(request.instance, request.now)
        with open_partial(path) as (partial, file):
            writer = ArchiveWriter(file, created_at=request.now)
            _add_dump(writer, request.dump)
            say(f"{DUMP} written")
            _add_objects(writer, store, total=count, say=say)
            manifest = _build_manifest(request, writer, store)
            sha256 = writer.finish(manifest)
            sync_file(file)
            size = file.tell()
            say("verifying")
            verify_archive(partial, sidecar=False)
            publish(partial, path, sha256=sha256)
        say(f"{path.name} is whole, {size:,} bytes")
        removed = remove_outdated(request.destination, instance=request.instance, keep=request.keep)
    for name in removed:
        say(f"{name} deleted: {request.keep} newer ones are kept")
    return Created(path=path, size=size, sha256=sha256, manifest=manifest, removed=removed)


def _check_dump(dump: Path) -> None:
    try:
        with dump.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise DumpError(f"the database dump can not be read: {error}") from error
    if magic != _MAGIC:
        raise DumpError(f"{dump} is no dump of pg_dump --format=custom")


def _measure(request: Request, store: ObjectStore) -> tuple[int, int]:
    """Return the bytes that go into the archive, uncompressed, and the number of objects."""
    total, count = request.dump.stat().st_size, 0
    for each in store.list_objects():
        total += each.size
        count += 1
    return total, count


def _add_dump(writer: ArchiveWriter, dump: Path) -> None:
    with dump.open("rb") as file:
        writer.add(DUMP, file, size=dump.stat().st_size)


def _add_objects(writer: ArchiveWriter, store: ObjectStore, *, total: int, say: Say) -> None:
    told = time.monotonic()
    for number, stored in enumerate(store.list_objects(), 1):
        with store.open_object(stored) as content:
            if content is None:
                say(f"{stored.member} was deleted meanwhile")
                continue
            writer.add(stored.member, content, size=content.size, content_type=content.content_type)
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            say(f"object {number} of {max(number, total)}, {writer.written:,} bytes written")


def _build_manifest(request: Request, writer: ArchiveWriter, store: ObjectStore) -> Manifest:
    return Manifest(
        instance=request.instance,
        created_at=request.now,
        schema_version=request.schema_version,
        bucket_prefix=store.binding.bucket_prefix,
        members=tuple(writer.members),
    )
