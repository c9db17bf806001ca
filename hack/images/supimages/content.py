"""The content key: one hash of everything that decides what an image holds."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

# Raised when the way of building changes so that images of old keys must not be used again.
_FORMAT = 1
_KEY_LENGTH = 32
_NEVER_INPUT = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


@dataclass(frozen=True)
class InputFile:
    """One file that goes into an image: its path in the repository, mode and checksum."""

    path: str
    executable: bool
    sha256: str


def compute_key(
    *,
    files: Sequence[InputFile],
    arguments: Sequence[tuple[str, str]],
    parent_key: str | None,
    artifact: str | None,
) -> str:
    """The content key of an image; the same inputs in any order give the same key.

    `artifact` names what comes from outside of the repository (a checksum), if anything does.
    """
    document = {
        "format": _FORMAT,
        "files": sorted([file.path, file.executable, file.sha256] for file in files),
        "arguments": sorted(arguments),
        "parent": parent_key,
        "artifact": artifact,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


def gather_files(repository: Path, inputs: Iterable[str]) -> tuple[InputFile, ...]:
    """Read the input files below the repository; an input that is not there adds nothing."""
    found: dict[str, InputFile] = {}
    for pattern in inputs:
        for start in sorted(repository.glob(pattern)):
            for path in [start] if start.is_file() else sorted(start.rglob("*")):
                if path.is_file() and not _NEVER_INPUT.intersection(path.parts):
                    file = _read(repository, path)
                    found[file.path] = file
    return tuple(found[name] for name in sorted(found))


def compute_file_checksum(path: Path) -> str:
    """The sha256 of a file of any size."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _read(repository: Path, path: Path) -> InputFile:
    executable = bool(path.stat().st_mode & 0o100)
    return InputFile(str(path.relative_to(repository)), executable, compute_file_checksum(path))
