from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from supnode.processes import ProcessTable, Record, Unit, gather_start, parse_start


@pytest.fixture
def table(tmp_path: Path) -> ProcessTable:
    """A table whose control group is a plain folder."""
    (tmp_path / "group").mkdir()
    return ProcessTable(pids=tmp_path / "pids", logs=tmp_path / "logs", tracking=tmp_path / "group")


def test_the_start_time_is_found_behind_any_program_name() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    assert parse_start(f"7 (a) b (c) S {fields}") == 22
    assert parse_start(f"7 (gone) Z {fields}") is None


def test_a_program_is_started_once_recorded_and_stopped(
    table: ProcessTable, tmp_path: Path
) -> None:
    unit = Unit("sleeper", ("sleep", "60"), inside=False)
    table.start(unit)
    record = table.find("sleeper")
    assert record is not None
    assert table.is_current(unit)
    assert (tmp_path / "group" / "cgroup.procs").read_text().strip() == str(record.pid)
    table.start(unit)
    assert table.find("sleeper") == record
    assert table.names() == ["sleeper"]
    table.stop("sleeper")
    assert not record.is_alive()
    assert table.names() == []


def test_changed_arguments_start_it_anew(table: ProcessTable) -> None:
    table.start(Unit("sleeper", ("sleep", "60"), inside=False))
    first = table.find("sleeper")
    table.start(Unit("sleeper", ("sleep", "61"), inside=False))
    second = table.find("sleeper")
    assert first is not None
    assert second is not None
    assert not first.is_alive()
    assert second.is_alive()
    table.stop("sleeper")


def test_changed_configuration_changes_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "config"
    unit = Unit("program", ("run",), config=(file,))
    file.write_text("one")
    before = unit.digest()
    file.write_text("two")
    assert unit.digest() != before


def test_a_reused_pid_is_neither_alive_nor_killed(table: ProcessTable, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        started = gather_start(other.pid)
        assert started is not None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stranger = f'{{"pid": {other.pid}, "start": {started + 1}, "boot": "{boot}", "digest": ""}}'
        (tmp_path / "pids").mkdir()
        (tmp_path / "pids" / "old").write_text(stranger)
        assert not table.is_running("old")
        table.stop("old")
        assert other.poll() is None
        other.kill()


def test_a_record_of_an_earlier_boot_is_not_alive() -> None:
    pid = os.getpid()
    started = gather_start(pid)
    assert started is not None
    assert not Record("x", pid, started, "another boot", "").is_alive()


def test_a_damaged_record_counts_as_none(table: ProcessTable, tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    (tmp_path / "pids" / "torn").write_text('{"pid": 1')
    assert table.find("torn") is None
