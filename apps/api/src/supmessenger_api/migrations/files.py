"""Reads the migrations of a folder: pairs of SQL files with strict headers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from supmessenger_api.migrations.statements import Statement, UnfinishedError, parse_statements

_FILE = re.compile(r"(?P<name>\d{3}_[a-z0-9_]+)(?P<down>\.down)?\.sql")
_HEADER = re.compile(r"-- (?P<key>[A-Z][a-z]+): (?P<value>.*\S)\s*")
_REQUIRED = ("Migration", "Description", "Created", "Dependencies")
_OPTIONAL = "Transaction"
_CONTROL = re.compile(r"(BEGIN|COMMIT|ROLLBACK|END|ABORT|START\s+TRANSACTION)\b", re.IGNORECASE)


class FileError(Exception):
    """A file of the folder is not a migration; the message names file, line and cure."""


@dataclass(frozen=True)
class Script:
    """One direction of a migration: its statements without the BEGIN and COMMIT around them."""

    path: Path
    statements: tuple[Statement, ...]
    in_transaction: bool


@dataclass(frozen=True)
class Migration:
    """A pair of files."""

    name: str
    description: str
    created: date
    dependencies: tuple[str, ...]
    checksum: str
    up: Script
    down: Script

    @property
    def number(self) -> int:
        """Return the number the name begins with."""
        return int(self.name[:3])


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """Return all migrations of a folder in their order; FileError when one is not well formed."""
    if not folder.is_dir():
        raise FileError(f"{folder} is no folder: set SUP_MIGRATIONS_DIR")
    ups, downs = _gather_pairs(folder)
    for name in sorted(ups.keys() ^ downs.keys()):
        lacking = f"{name}.down.sql" if name in ups else f"{name}.sql"
        raise FileError(f"{folder / lacking} is missing: every migration is a pair")
    migrations = tuple(_read_migration(name, ups[name], downs[name]) for name in sorted(ups))
    for before, after in pairwise(migrations):
        if before.number == after.number:
            raise FileError(f"{before.name} and {after.name} have the same number: renumber one")
    return migrations


def find_newest(folder: Path) -> str:
    """Return the name of the newest migration of a folder; empty when there is none."""
    return max(_gather_pairs(folder)[0], default="")


def _gather_pairs(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    ups: dict[str, Path] = {}
    downs: dict[str, Path] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise FileError(f"{path} must be called NNN_name.sql or NNN_name.down.sql")
        (downs if match["down"] else ups)[match["name"]] = path
    return ups, downs


def _read_migration(name: str, up: Path, down: Path) -> Migration:
    content = up.read_bytes()
    text = _decode(up, content)
    header = _parse_header(up, text)
    missing = [key for key in _REQUIRED if key not in header]
    if missing:
        raise FileError(f"{up}: the header lacks '-- {missing[0]}: …'")
    if header["Migration"] != name:
        raise FileError(f"{up}: '-- Migration:' must be {name}, as the file is called")
    return Migration(
        name=name,
        description=header["Description"],
        created=_parse_created(up, header["Created"]),
        dependencies=_parse_dependencies(up, header["Dependencies"]),
        checksum=hashlib.sha256(content).hexdigest(),
        up=_parse_script(up, text, header),
        down=_read_down(name, down),
    )


def _read_down(name: str, path: Path) -> Script:
    text = _decode(path, path.read_bytes())
    header = _parse_header(path, text)
    if header.get("Migration") != f"{name} (DOWN)":
        raise FileError(f"{path}: the first line must be '-- Migration: {name} (DOWN)'")
    return _parse_script(path, text, header)


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise FileError(f"{path} must be UTF-8: {error}") from error


def _parse_header(path: Path, text: str) -> dict[str, str]:
    """Return the header: the `-- Key: value` lines at the top, up to the first other line."""
    header: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADER.fullmatch(line)
        if match is None:
            break
        key = match["key"]
        if key not in (*_REQUIRED, _OPTIONAL) or key in header:
            problem = "given twice" if key in header else "unknown"
            raise FileError(f"{path}, line {number}: header '{key}' is {problem}")
        header[key] = match["value"]
    if header.get(_OPTIONAL, "none") != "none":
        raise FileError(f"{path}: '-- Transaction:' can only be 'none'")
    return header


def _parse_created(path: Path, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise FileError(f"{path}: '-- Created:' must be a date, YYYY-MM-DD: {error}") from error


def _parse_dependencies(path: Path, value: str) -> tuple[str, ...]:
    if value.lower() == "none":
        return ()
    names = []
    for part in (part.strip() for part in value.split(",")):
        match = _FILE.fullmatch(part)
        if match is None or match["down"]:
            raise FileError(
                f"{path}: '-- Dependencies:' must be 'none' or files such as "
                f"001_init_schema.sql with commas between, not {part!r}"
            )
        names.append(match["name"])
    return tuple(names)


def _parse_script(path: Path, text: str, header: dict[str, str]) -> Script:
    try:
        statements = parse_statements(text)
    except UnfinishedError as error:
        raise FileError(f"{path}: {error}") from error
    in_transaction = _OPTIONAL not in header
    if in_transaction:
        statements = _strip_transaction(path, statements)
    for statement in statements:
        if _CONTROL.match(statement.text):
            raise FileError(
                f"{path}, line {statement.line}: the runner owns the transaction; "
                "only BEGIN at the top and COMMIT at the end may control it"
            )
    return Script(path, statements, in_transaction)


def _strip_transaction(path: Path, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    words = [statement.text.upper() for statement in statements]
    if words[:1] != ["BEGIN"] or words[-1:] != ["COMMIT"]:
        raise FileError(
            f"{path} must begin with 'BEGIN;' and end with 'COMMIT;' "
            "or say '-- Transaction: none' in its header"
        )
    return statements[1:-1]
