"""Only well formed pairs of files are migrations."""

from datetime import date
from pathlib import Path

import pytest

from supmessenger_api.migrations.files import FileError, read_migrations

HEADER = (
    "-- Migration: 000_first\n-- Description: Something\n"
    "-- Created: 2026-01-02\n-- Dependencies: none\n"
)
BODY = "\nBEGIN;\nCREATE TABLE t ();\nCOMMIT;\n"
DOWN = "-- Migration: 000_first (DOWN)\n\nBEGIN;\nDROP TABLE t;\nCOMMIT;\n"


def write(folder: Path, *, up: str = HEADER + BODY, down: str | None = DOWN) -> Path:
    (folder / "000_first.sql").write_text(up)
    if down is not None:
        (folder / "000_first.down.sql").write_text(down)
    return folder


def test_a_pair_is_read_without_the_transaction_around_it(tmp_path: Path) -> None:
    (migration,) = read_migrations(write(tmp_path))
    assert (migration.name, migration.description) == ("000_first", "Something")
    assert (migration.created, migration.dependencies) == (date(2026, 1, 2), ())
    assert [statement.text for statement in migration.up.statements] == ["CREATE TABLE t ()"]
    assert migration.up.statements[0].line == 7
    assert [statement.text for statement in migration.down.statements] == ["DROP TABLE t"]


def test_a_script_may_do_without_a_transaction(tmp_path: Path) -> None:
    up = HEADER + "-- Transaction: none\n\nCREATE TABLE t ();\n"
    (migration,) = read_migrations(write(tmp_path, up=up))
    assert not migration.up.in_transaction
    assert migration.down.in_transaction


@pytest.mark.parametrize(
    ("up", "problem"),
    [
        (HEADER.replace("000_first", "000_other") + BODY, "must be 000_first"),
        (HEADER.replace("-- Description: Something\n", "") + BODY, "lacks '-- Description"),
        (HEADER.replace("2026-01-02", "yesterday") + BODY, "must be a date"),
        (HEADER.replace("none", "the first one") + BODY, "must be 'none' or files"),
        (HEADER + "-- Author: me\n" + BODY, "line 5: header 'Author' is unknown"),
        (HEADER + "-- Created: 2026-01-02\n" + BODY, "'Created' is given twice"),
        (HEADER + "-- Transaction: some\n" + BODY, "can only be 'none'"),
        (HEADER + "\nCREATE TABLE t ();\n", "must begin with 'BEGIN;'"),
        (HEADER + "\nBEGIN;\nCREATE TABLE t ();\n", "end with 'COMMIT;'"),
        (HEADER + "\nBEGIN;\nCOMMIT;\nBEGIN;\nCOMMIT;\n", "line 7: the runner owns"),
        (HEADER + "-- Transaction: none\n\nBEGIN;\nCOMMIT;\n", "the runner owns"),
        (HEADER + "\nBEGIN;\nSELECT 'open;\nCOMMIT;\n", "not closed"),
    ],
)
def test_a_file_that_is_not_well_formed_is_refused(tmp_path: Path, up: str, problem: str) -> None:
    with pytest.raises(FileError, match=problem.replace("(", r"\(")):
        read_migrations(write(tmp_path, up=up))


def test_a_migration_without_a_way_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"000_first\.down\.sql is missing"):
        read_migrations(write(tmp_path, down=None))


def test_a_way_back_names_its_migration(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"000_first \(DOWN\)"):
        read_migrations(write(tmp_path, down=DOWN.replace(" (DOWN)", "")))


def test_two_migrations_with_one_number_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    for path in list(tmp_path.iterdir()):
        text = path.read_text().replace("000_first", "000_second")
        (tmp_path / path.name.replace("first", "second")).write_text(text)
    with pytest.raises(FileError, match="the same number"):
        read_migrations(tmp_path)


def test_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "first.sql").write_text(HEADER + BODY)
    with pytest.raises(FileError, match="must be called NNN_name"):
        read_migrations(tmp_path)
