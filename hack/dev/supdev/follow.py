"""Shows the logs of several processes as they grow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

_LOOK_SECONDS = 0.3


def follow_logs(logs: Mapping[str, Path]) -> None:
    """Print what is added to log files, each line with its name; ends by KeyboardInterrupt."""
    positions = {name: path.stat().st_size for name, path in logs.items()}
    width = max(len(name) for name in logs)
    while True:
        for name, path in logs.items():
            lines, positions[name] = read_lines(path, positions[name])
            for line in lines:
                print(f"{name:{width}} | {line}", flush=True)
        time.sleep(_LOOK_SECONDS)


def read_lines(path: Path, position: int) -> tuple[list[str], int]:
    """Return the whole lines after a position of a file, and where the next one begins."""
    with path.open("rb") as file:
        file.seek(position)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), position + len(whole)
