"""Writes the pair of files of a new migration."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from supmessenger_api.migrations.files import FileError, read_migrations

_UP = """-- Migration: {name}
-- Description: {description}
-- Created: {created}
-- Dependencies: {dependencies}

BEGIN;


COMMIT;
"""
_DOWN = """-- Migration: {name} (DOWN)

BEGIN;


COMMIT;
"""


def write_pair(folder: Path, title: str, *, today: date) -> tuple[Path, Path]:
    """Write NNN_title.sql and its way back, depending on the newest; return their paths."""
    slug = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    if not slug:
        raise FileError("the name needs a letter or a digit")
    migrations = read_migrations(folder)
    number = migrations[-1].number + 1 if migrations else 0
    name = f"{number:03}_{slug}"
    fields = {
        "name": name,
        "description": title.replace("_", " ").strip().capitalize(),
        "created": today.isoformat(),
        "dependencies": f"{migrations[-1].name}.sql" if migrations else "none",
    }
    up, down = folder / f"{name}.sql", folder / f"{name}.down.sql"
    up.write_text(_UP.format(**fields))
    down.write_text(_DOWN.format(**fields))
    return up, down
