"""Locks that end with the process that holds them, so a cut-off run leaves none behind."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supnode.failure import Failure


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait for a lock and hold it during the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def claim_lock(path: Path, *, what: str) -> Iterator[None]:
    """Hold a lock during the block; a Failure at once if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure(f"another run is working on {what}", cure="wait for it") from error
        yield
