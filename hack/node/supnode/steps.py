"""The steps of a run: progress while they last, and a table of seconds at the end."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from supnode.failure import Failure
from supnode.paths import write_atomically

QUIET_SECONDS = 2.0  # a step that ends sooner is told of only once


@dataclass(frozen=True)
class StepResult:
    """One row of the table: seconds since the run began, and how long the step took."""

    name: str
    started: float
    seconds: float
    outcome: str  # "done" or "failed"


def build_table(results: Sequence[StepResult], *, total: float) -> str:
    """Return the closing table; steps may overlap, so their sum can exceed the total."""
    width = max([len(result.name) for result in results] + [len("total")])
    rows = [f"{'step':<{width}}  {'began at':>9}  {'seconds':>8}"]
    for result in sorted(results, key=lambda row: row.started):
        note = "" if result.outcome == "done" else f"  {result.outcome}"
        rows.append(f"{result.name:<{width}}  {result.started:>9.1f}  {result.seconds:>8.1f}{note}")
    rows.append(f"{'total':<{width}}  {'':>9}  {total:>8.1f}")
    return "\n".join(rows)


def parse_results(text: str) -> tuple[list[StepResult], float]:
    """Return the rows and the total of a written table."""
    document = json.loads(text)
    return [StepResult(**row) for row in document["steps"]], float(document["total"])


class Steps:
    """Records and shows the steps of one run; steps may run in several threads at once."""

    def __init__(self, *, record: Path | None = None, out: TextIO | None = None) -> None:
        self._record = record
        self._out = out or sys.stderr
        self._tty = self._out.isatty()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._active: dict[str, float] = {}
        self._announced: set[str] = set()
        self._results: list[StepResult] = []
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        self.failed_step = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block as one step."""
        started = time.monotonic()
        with self._lock:
            self._active[name] = started
        outcome = "failed"
        try:
            yield
            outcome = "done"
        except Failure:
            self.failed_step = self.failed_step or name
            raise
        finally:
            self._end(name, started=started, outcome=outcome)

    def say(self, text: str) -> None:
        """Print a line of its own between the steps."""
        with self._lock:
            self._print(text)

    def close(self) -> None:
        """Print the closing table and stop ticking."""
        self._closed.set()
        self._ticker.join()
        if self._results:
            self._print(build_table(self._results, total=time.monotonic() - self._began))

    def _end(self, name: str, *, started: float, outcome: str) -> None:
        now = time.monotonic()
        result = StepResult(name, round(started - self._began, 1), round(now - started, 1), outcome)
        with self._lock:
            self._active.pop(name, None)
            self._announced.discard(name)
            self._results.append(result)
            mark = "ok  " if outcome == "done" else "FAIL"
            self._print(f"{mark} {name}  {result.seconds:.1f} s")
            self._write(now)

    def _write(self, now: float) -> None:
        if self._record is None or not self._record.parent.is_dir():
            return
        document = {
            "total": round(now - self._began, 1),
            "steps": [asdict(result) for result in self._results],
        }
        write_atomically(self._record, json.dumps(document, indent=1) + "\n")

    def _print(self, text: str) -> None:
        clear = "\r\x1b[K" if self._tty else ""
        self._out.write(f"{clear}{text}\n")
        self._out.flush()

    def _tick(self) -> None:
        while not self._closed.wait(0.5):
            now = time.monotonic()
            with self._lock:
                slow = {n: now - s for n, s in self._active.items() if now - s > QUIET_SECONDS}
                for name in slow:
                    if name not in self._announced:
                        self._announced.add(name)
                        self._print(f"...  {name}")
                if slow and self._tty:
                    told = " | ".join(f"{name} {int(age)} s" for name, age in slow.items())
                    self._out.write(f"\r\x1b[K{told[:110]}")
                    self._out.flush()
        if self._tty:
            self._out.write("\r\x1b[K")
