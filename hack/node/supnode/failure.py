"""What a person is shown when a step cannot go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 20


@dataclass
class Failure(Exception):
    """An expected failure: what went wrong, where to read more, and what to do."""

    message: str
    cure: str = ""
    log: Path | None = None

    def __str__(self) -> str:
        return self.message


def build_report(failure: Failure, *, step: str, tail: list[str]) -> str:
    """Return the text that is printed for a failed step."""
    lines = [f"FAILED: {step}: {failure.message}" if step else f"FAILED: {failure.message}"]
    if tail and failure.log is not None:
        lines.append(f"  last lines of {failure.log}:")
        lines.extend(f"    {line}" for line in tail)
    if failure.log is not None:
        lines.append(f"  whole log: {failure.log}")
    if failure.cure:
        lines.append(f"  cure: {failure.cure}")
    return "\n".join(lines)


def gather_tail(log: Path | None, *, count: int = TAIL_LINES) -> list[str]:
    """Return the last lines of a log, or nothing where there is none."""
    if log is None or not log.is_file():
        return []
    with log.open("rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - 64 * 1024))
        return handle.read().decode(errors="replace").splitlines()[-count:]
