"""Builds binaries in the background, in the order in which they are needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from supnode.builds import BuildCache
from supnode.failure import Failure
from supnode.steps import Steps


class BuildQueue:
    """One thread that builds one list of binaries after the other."""

    def __init__(self, cache: BuildCache, lists: Sequence[Sequence[str]], steps: Steps) -> None:
        self._cache = cache
        self._steps = steps
        self._lists = [tuple(names) for names in lists]
        self._done = {names: threading.Event() for names in self._lists}
        self._failure: BaseException | None = None
        # A daemon: when the run fails elsewhere, the compiler is no reason to stay.
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin building."""
        self._thread.start()

    def wait_for(self, name: str) -> None:
        """Return when a binary is built; raise what kept it from being built."""
        for names in self._lists:
            if name in names:
                self._done[names].wait()
                if self._cache.missing(names) and self._failure is not None:
                    raise self._failure

    def wait(self) -> None:
        """Return when all are built."""
        for names in self._lists:
            self.wait_for(names[0])

    def _work(self) -> None:
        try:
            for names in self._lists:
                if self._cache.missing(names):
                    with self._steps.step(f"build {' '.join(names)}"):
                        self._cache.ensure(names)
                self._done[names].set()
            self._cache.link_all()
        except (Failure, OSError) as error:
            self._failure = error
        finally:
            for event in self._done.values():
                event.set()
