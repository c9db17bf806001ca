"""What was built and pushed, kept outside of every checkout."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from supimages.failure import Failure


@dataclass(frozen=True)
class Record:
    """One image that was pushed: its content key, its digest in the registry, its bytes."""

    name: str
    key: str
    digest: str
    size: int


class Records:
    """The folder of records; one file for each image and content key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def index(self) -> Path:
        """The file that maps image names to references."""
        return self._folder / "images.json"

    def read(self, name: str, key: str) -> Record | None:
        """The record of this very content, or None when it was never pushed."""
        path = self._path(name, key)
        return Record(**json.loads(path.read_text())) if path.is_file() else None

    def find(self, name: str, digest: str) -> Record | None:
        """The record with this digest, whatever its content key."""
        for path in (self._folder / "records").glob(f"{name}-*.json"):
            record = Record(**json.loads(path.read_text()))
            if record.name == name and record.digest == digest:
                return record
        return None

    def probe_written(self, name: str, key: str) -> float:
        """When the record was written (seconds since the epoch); 0 when there is none."""
        path = self._path(name, key)
        return path.stat().st_mtime if path.is_file() else 0.0

    def write(self, record: Record) -> None:
        """Keep a record."""
        _replace(self._path(record.name, record.key), json.dumps(asdict(record)))

    def read_index(self) -> dict[str, str]:
        """Image name → reference with digest, as of the last build."""
        if not self.index.is_file():
            raise Failure("no image was built yet: run `python3 hack/images build`")
        references: dict[str, str] = json.loads(self.index.read_text())
        return references

    def update_index(self, references: Mapping[str, str]) -> None:
        """Add references to the index, replacing those of the same images."""
        known = self.read_index() if self.index.is_file() else {}
        text = json.dumps({**known, **references}, indent=2, sort_keys=True)
        _replace(self.index, text + "\n")

    def _path(self, name: str, key: str) -> Path:
        return self._folder / "records" / f"{name}-{key}.json"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)
