"""What a program inside the sandbox can not do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.waiting import wait_until

from supmessenger_worker.transcoding.limits import TranscodingLimits, compute_memory
from supmessenger_worker.transcoding.runner import (
    Ended,
    OutOfTimeError,
    SandboxError,
    run_limited,
)
from supmessenger_worker.transcoding.sandbox import build_filter

LIMITS = TranscodingLimits(source_bytes=100_000)
MIB = 1024 * 1024
# The system's own: a sandbox has /usr, and nothing of who runs the tests.
PYTHON = ("/usr/bin/python3", "-I", "-c")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The file that may be read, with another beside it."""
    path = tmp_path / "source"
    path.write_text("a video")
    (tmp_path / "beside").write_text("a secret")
    return path


@pytest.fixture
def folder(source: Path) -> Path:
    """The folder that may be written to."""
    path = source.parent / "made"
    path.mkdir()
    return path


def read_pid(folder: Path) -> str:
    path = folder / "pid"
    return path.read_text() if path.exists() else ""


def is_alive(pid: str) -> bool:
    return Path("/proc", pid).exists()


async def run(
    code: str, folder: Path, *, seconds: float = 60, limits: TranscodingLimits = LIMITS
) -> tuple[Ended, list[str]]:
    lines: list[str] = []

    async def take_line(line: str) -> None:
        lines.append(line)

    ended = await run_limited(
        (*PYTHON, code),
        reads=folder.parent / "source",
        writes=folder,
        seconds=seconds,
        limits=limits,
        take_line=take_line,
    )
    return ended, lines


async def test_it_runs_in_its_folder_with_next_to_nothing_around_it(folder: Path) -> None:
    code = "import os; print(os.getcwd()); print(sorted(os.environ)); print(os.nice(0))"
    ended, lines = await run(code, folder)
    assert ended.code == 0
    assert lines[0] == str(folder)
    assert set(eval(lines[1])) - {"LC_CTYPE"} == {"PATH", "HOME", "LANG"}  # our own output
    assert int(lines[2]) >= 10


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
async def test_it_makes_no_socket(folder: Path, family: str) -> None:
    ended, _ = await run(f"import socket; socket.socket(socket.{family})", folder)
    assert ended.code == 1
    assert "Permission denied" in ended.complaint


async def test_it_writes_no_large_file(folder: Path) -> None:
    ended, _ = await run("open('x', 'wb').write(bytes(200_000))", folder)
    assert ended.code != 0
    assert (folder / "x").stat().st_size <= LIMITS.source_bytes


async def test_it_takes_no_more_memory_than_allowed(folder: Path) -> None:
    limits = replace(LIMITS, memory_bytes=64 * MIB)
    ended, _ = await run("bytearray(1 << 30)", folder, limits=limits)
    assert "MemoryError" in ended.complaint


async def test_it_ends_when_the_wall_clock_or_the_processor_time_is_over(folder: Path) -> None:
    for code in ("import time; time.sleep(60)", "while True: pass"):
        begun = time.monotonic()
        with pytest.raises(OutOfTimeError):
            await run(code, folder, seconds=1)
        assert time.monotonic() - begun < 10


async def test_a_reader_that_wants_no_more_ends_it(source: Path) -> None:
    async def take_line(line: str) -> None:
        raise LookupError(line)

    code = "import time; print('enough', flush=True); time.sleep(60)"
    with pytest.raises(LookupError, match="enough"):
        await run_limited(
            (*PYTHON, code),
            reads=source,
            seconds=30,
            limits=LIMITS,
            take_line=take_line,
        )


async def test_a_cancelled_task_leaves_no_process(folder: Path) -> None:
    code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(run(code, folder))

    async def is_running() -> bool:
        return bool(read_pid(folder))

    await wait_until(is_running, what="the program to run", seconds=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(read_pid(folder))


async def test_nothing_is_opened_where_it_can_not_limit_itself(folder: Path) -> None:
    # A limit the system does not take.
    limits = replace(LIMITS, source_bytes=2**70)
    with pytest.raises(SandboxError, match="no sandbox"):
        await run("print('opened')", folder, limits=limits)


def test_the_filter_lets_every_jump_land() -> None:
    program = build_filter(0xC000003E, 41, 425)
    assert len(program) % 8 == 0
    assert program[-8:] != program[-16:-8]


@pytest.mark.parametrize(
    ("limit", "usage", "processes", "mebibytes"),
    [(512, 112, 1, 300), (4096, 100, 1, 512), (512, 112, 2, 150), (128, 120, 1, 64)],
)
def test_memory_follows_what_the_container_has_left(
    limit: int, usage: int, processes: int, mebibytes: int
) -> None:
    memory = compute_memory(limit=limit * MIB, usage=usage * MIB, processes=processes)
    assert memory == mebibytes * MIB
