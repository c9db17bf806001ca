"""The checkout of this project around the working directory, if there is one."""

from pathlib import Path

MARKS = ("hack/images/__main__.py", "charts/sup-operator/Chart.yaml")


def find_checkout(start: Path) -> Path | None:
    """Return the nearest folder upwards that is a checkout."""
    for folder in (start, *start.parents):
        if all((folder / mark).is_file() for mark in MARKS):
            return folder
    return None
