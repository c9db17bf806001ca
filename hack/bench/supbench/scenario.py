"""What a scenario is to the program that runs it."""

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType

from supbench.figures import Figure
from supbench.stage import Stage
from supbench.usage import read_cpu_seconds

ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One thing that is measured."""

    name: str
    method: str
    measure: Callable[[Stage], Awaitable[list[Figure]]]


@dataclass
class Meter(AbstractContextManager["Meter"]):
    """Counts processor time of processes, and time by the clock, over a `with` block."""

    pids: Iterable[int] = ()
    own_cpu: float = 0.0
    cpu: float = 0.0
    seconds: float = 0.0
    _started: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0), init=False)

    def __enter__(self) -> "Meter":
        self._started = self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.own_cpu, self.cpu, self.seconds = (
            end - start for end, start in zip(self._read(), self._started, strict=True)
        )

    def _read(self) -> tuple[float, float, float]:
        theirs = sum(read_cpu_seconds(pid) for pid in self.pids)
        return time.process_time(), theirs, time.monotonic()
