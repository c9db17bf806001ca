"""Reads an archive as a stream and tells everything that is wrong with it."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from supmessenger_worker.backup.manifest import (
    MANIFEST,
    Manifest,
    ManifestError,
    Member,
    parse_json,
)

CHUNK = 1 << 20
# Decompressed, 4 KiB are at most 128 MiB.
_INPUT = 4096
# Far more than a manifest of a million objects; a damaged size must not fill the memory.
_MANIFEST_LIMIT = 512 << 20


class BrokenError(Exception):
    """An archive is not what was written; `problems` names every broken part found."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        super().__init__(f"{path.name} is broken: " + "; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class _Found:
    name: str
    size: int
    sha256: str
    content: bytes = b""


def compute_sidecar(path: Path) -> Path:
    """Return the path of the file that holds an archive's checksum."""
    return path.with_name(f"{path.name}.sha256")


def verify_archive(path: Path, *, sidecar: bool = True) -> Manifest:
    """Read everything and compare it with manifest and sidecar; BrokenError."""
    return _read(path, target=None, sidecar=sidecar)


def extract_archive(path: Path, folder: Path) -> Manifest:
    """Write all members below a folder, verifying them; BrokenError when any is not right."""
    folder.mkdir(parents=True, exist_ok=True)
    return _read(path, target=folder, sidecar=True)


def _read(path: Path, *, target: Path | None, sidecar: bool) -> Manifest:
    problems = list(_check_sidecar(path)) if sidecar else []
    found: dict[str, _Found] = {}
    try:
        for each in _read_members(path, target):
            found[each.name] = each
    except _DamagedError as error:
        problems.append(str(error))
    manifest, complaint = _parse_manifest(found.pop(MANIFEST, None))
    if complaint:
        problems.append(complaint)
    if manifest is not None:
        problems.extend(_compare(manifest.members, found))
    if problems or manifest is None:
        raise BrokenError(path, tuple(problems))
    return manifest


def _check_sidecar(path: Path) -> Iterator[str]:
    sidecar = compute_sidecar(path)
    if not sidecar.is_file():
        yield f"{sidecar.name} is missing"
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if sidecar.read_text().split()[:1] != [digest.hexdigest()]:
        yield f"the file's checksum is not the one in {sidecar.name}"


class _DamagedError(Exception):
    """The stream can not be read further; the message names the member."""


class _Decompressed:
    """Decompresses frame after frame and never reads past damage that nobody asked for yet."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = self._output = b""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, never of two frames at once; nothing at the end."""
        while not self._output:
            data = self._input or self._file.read(_INPUT)
            if not data and self._frame is None:
                return b""
            if not data:
                raise EOFError("the file ends in the middle of it")
            self._frame = self._frame or self._decompressor.decompressobj()
            self._output = self._frame.decompress(data)
            self._input = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
        piece, self._output = self._output[:size], self._output[size:]
        return piece


def _read_members(path: Path, target: Path | None) -> Iterator[_Found]:
    current = "the beginning of the file"
    try:
        with (
            path.open("rb") as file,
            tarfile.open(fileobj=(stream := _Decompressed(file)), mode="r|") as tar,  # type: ignore[call-overload]  # only read() is called
        ):
            for info in tar:
                current = info.name
                content = tar.extractfile(info)
                if content is None:
                    raise _DamagedError(f"{info.name} is not a file")
                yield _read_member(info, content, target)
                current = f"what comes after {info.name}"
            while stream.read(CHUNK):  # to the end: it may be cut off there
                pass
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise _DamagedError(f"{current} can not be read: {error}") from error


def _read_member(info: tarfile.TarInfo, content: IO[bytes], target: Path | None) -> _Found:
    if info.name == MANIFEST:
        if info.size > _MANIFEST_LIMIT:
            raise _DamagedError(f"{MANIFEST} claims to have {info.size} bytes")
        data = content.read()
        if target is not None:
            (target / MANIFEST).write_bytes(data)
        return _Found(info.name, len(data), "", data)
    digest = hashlib.sha256()
    size = 0
    out = _open_target(target, info) if target is not None else None
    try:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if out is not None:
                out.write(chunk)
    finally:
        if out is not None:
            out.close()
    return _Found(info.name, size, digest.hexdigest())


def _open_target(folder: Path, info: tarfile.TarInfo) -> IO[bytes]:
    """Open the file of a member; a name that leads out of the folder is damage."""
    name = PurePosixPath(info.name)
    if name.is_absolute() or ".." in name.parts:
        raise _DamagedError(f"{info.name} would be written outside of {folder}")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")


def _parse_manifest(found: _Found | None) -> tuple[Manifest | None, str | None]:
    if found is None:
        return None, f"{MANIFEST} is missing: the archive is cut off"
    try:
        return parse_json(found.content), None
    except ManifestError as error:
        return None, str(error)


def _compare(members: tuple[Member, ...], found: dict[str, _Found]) -> Iterator[str]:
    for member in members:
        each = found.get(member.name)
        if each is None:
            yield f"{member.name} is missing"
        elif each.size != member.size:
            yield f"{member.name} has {each.size} bytes instead of {member.size}"
        elif each.sha256 != member.sha256:
            yield f"{member.name} has another content than was written"
    for name in found.keys() - {member.name for member in members}:
        yield f"{name} is not in the manifest"
