"""Progress of a run: lines with elapsed time while steps last, a table at the end."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

ANNOUNCED_AFTER_SECONDS = 2.0
REPEATED_EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Step:
    """One finished step and its seconds."""

    name: str
    seconds: float
    outcome: str


def build_table(steps: Sequence[Step], total: float) -> str:
    """The closing table; steps may overlap, so their sum can exceed the total."""
    width = max([len(step.name) for step in steps] + [len("total")])
    rows = [f"{'step':<{width}}  {'seconds':>7}"]
    rows += [f"{step.name:<{width}}  {step.seconds:>7.1f}  {step.outcome}" for step in steps]
    rows.append(f"{'total':<{width}}  {total:>7.1f}")
    return "\n".join(rows)


class Steps:
    """Collects the steps of a run; several threads may be inside a step at once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._running: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._finished: list[Step] = []
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block; a step that lasts is told of while it lasts."""
        started = time.monotonic()
        with self._lock:
            self._running[name] = started
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            with self._lock:
                seconds = time.monotonic() - started
                del self._running[name]
                self._told.pop(name, None)
                self._finished.append(Step(name, seconds, outcome))
                self._say(f"{outcome:>7}  {name}  {seconds:.1f} s")

    def close(self) -> None:
        """Stop telling and print the table."""
        self._closed.set()
        self._ticker.join()
        if self._finished:
            self._say(build_table(self._finished, time.monotonic() - self._began))

    def _tick(self) -> None:
        while not self._closed.wait(0.5):
            with self._lock:
                now = time.monotonic()
                for name, started in self._running.items():
                    due = self._told.get(name, started + ANNOUNCED_AFTER_SECONDS)
                    if now >= due:
                        self._told[name] = now + REPEATED_EVERY_SECONDS
                        self._say(f"    ...  {name}  {now - started:.0f} s")

    def _say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
