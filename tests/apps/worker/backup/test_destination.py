"""The folder of archives never holds half an archive, nor loses one too early."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from supmessenger_worker.backup.destination import (
    DestinationError,
    build_name,
    check_space,
    compute_outdated,
    locked_destination,
    open_partial,
    publish,
    remove_outdated,
)

NAMES = [build_name("demo", datetime(2026, 11, day, 2, tzinfo=UTC)) for day in range(1, 6)]


def test_only_the_oldest_archives_of_the_instance_go() -> None:
    others = ["sup-demo-two-20200101T000000Z.tar.zst", f"{NAMES[0]}.sha256", "notes.txt", ".lock"]
    assert compute_outdated(others + NAMES[::-1], instance="demo", keep=3) == tuple(NAMES[:2])
    assert compute_outdated(NAMES, instance="demo", keep=7) == ()
    assert compute_outdated(NAMES, instance="dem.", keep=1) == ()


def test_a_checksum_goes_with_its_archive(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
        (tmp_path / f"{name}.sha256").touch()
    remove_outdated(tmp_path, instance="demo", keep=1)
    left = [NAMES[-1], f"{NAMES[-1]}.sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with open_partial(tmp_path / NAMES[0]) as (_, file):
            file.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    with open_partial(tmp_path / NAMES[0]) as (partial, file):
        file.write(b"whole")
        file.flush()
        assert not list(tmp_path.glob("sup-*"))
        publish(partial, tmp_path / NAMES[0], sha256="abc")
    assert (tmp_path / NAMES[0]).read_bytes() == b"whole"
    assert (tmp_path / f"{NAMES[0]}.sha256").read_text() == f"abc  {NAMES[0]}\n"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / f".{NAMES[0]}.partial").touch()
    with locked_destination(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with (
        locked_destination(tmp_path),
        pytest.raises(DestinationError, match="another backup"),
        locked_destination(tmp_path),
    ):
        pass


def test_too_little_space_is_told_with_the_fields_to_change(tmp_path: Path) -> None:
    check_space(tmp_path, needed=1)
    with pytest.raises(DestinationError, match=r"spec\.backup\.destination\.volume\.size"):
        check_space(tmp_path, needed=1 << 60)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(DestinationError, match="mount the volume"),
        locked_destination(tmp_path / "nowhere"),
    ):
        pass
