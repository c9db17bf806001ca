"""What a program inside the sandbox can see of the files and processes around it."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import struct
import sys
from pathlib import Path

import pytest

from supmessenger_worker.transcoding.landlock import (
    EXECUTE,
    PROGRAMS,
    READ_FILE,
    WRITE_FILE,
    build_rules,
    build_ruleset,
    find_version,
)
from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.runner import run_limited
from supmessenger_worker.transcoding.sandbox import MACHINES

LIMITS = TranscodingLimits(source_bytes=100_000)
# A kernel without Landlock leaves files open; everything else holds there as well.
CLOSED = "EACCES" if find_version() else "open"
ATTEMPT = """
import ctypes, errno, os
def attempt(what, do):
    try:
        do()
    except OSError as error:
        print(what, errno.errorcode[error.errno])
    else:
        print(what, "open")
"""
# As a container runtime that forbids Landlock, or a kernel that does not have it.
WITHOUT_LANDLOCK = """
import platform, sys
from supmessenger_worker.transcoding import landlock, sandbox
sandbox.give_up_privileges()
architecture = sandbox.MACHINES[platform.machine()][0]
sandbox.install_filter(sandbox.build_filter(architecture, 444))
assert landlock.find_version() == 0
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A file to read, a folder to write, and what is none of a converter's business."""
    (tmp_path / "source").write_text("a video")
    (tmp_path / "beside").write_text("a secret")
    (tmp_path / "made").mkdir()
    return tmp_path


async def run(code: str, place: Path, *, writes: bool = True) -> dict[str, str]:
    """Return what became of each attempt."""
    lines: list[str] = []

    async def take_line(line: str) -> None:
        lines.append(line)

    ended = await run_limited(
        ("/usr/bin/python3", "-I", "-c", ATTEMPT + code),
        reads=place / "source",
        writes=place / "made" if writes else None,
        seconds=20,
        limits=LIMITS,
        take_line=take_line,
    )
    assert ended.code == 0, ended.complaint
    return dict(line.split(" ") for line in lines)


async def test_it_reads_its_file_and_no_other(place: Path) -> None:
    found = await run(
        f"""
attempt("source", lambda: open("{place}/source"))
attempt("beside", lambda: open("{place}/beside"))
attempt("list", lambda: os.listdir("{place}"))
attempt("passwd", lambda: open("/etc/passwd"))
attempt("self", lambda: open("/proc/self/environ"))
attempt("worker", lambda: open(f"/proc/{{os.getppid()}}/environ"))
attempt("memory", lambda: open(f"/proc/{{os.getppid()}}/mem", "rb"))
""",
        place,
    )
    assert found.pop("source") == "open"
    assert found == dict.fromkeys(("beside", "list", "passwd", "self", "worker", "memory"), CLOSED)


async def test_it_writes_into_its_folder_and_nowhere_else(place: Path) -> None:
    code = f"""
attempt("made", lambda: open("{place}/made/poster.webp", "w").write("x"))
attempt("again", lambda: open("{place}/made/poster.webp", "r+").truncate(0))
attempt("source", lambda: open("{place}/source", "r+"))
attempt("beside", lambda: open("{place}/new", "w"))
attempt("folder", lambda: os.mkdir("{place}/made/more"))
attempt("link", lambda: os.symlink("/etc/passwd", "{place}/made/link"))
"""
    found = await run(code, place)
    assert (found.pop("made"), found.pop("again")) == ("open", "open")
    assert found == dict.fromkeys(("source", "beside", "folder", "link"), CLOSED)


async def test_who_only_looks_writes_nothing(place: Path) -> None:
    code = f"""attempt("made", lambda: open("{place}/made/x", "w"))"""
    assert await run(code, place, writes=False) == {"made": CLOSED}


async def test_it_looks_into_no_other_process(place: Path) -> None:
    numbers = MACHINES[platform.machine()]
    names = ("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp")
    calls = dict(zip(names, numbers[3:], strict=True))
    found = await run(
        f"""
library = ctypes.CDLL(None, use_errno=True)
def call(number):
    if library.syscall(number, 16, os.getppid(), 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")
for name, number in {calls}.items():
    attempt(name, lambda: call(number))
""",
        place,
    )
    assert found == dict.fromkeys(names, "EACCES")


async def test_it_can_not_end_the_worker(place: Path) -> None:
    found = await run("""attempt("signal", lambda: os.kill(os.getppid(), 0))""", place)
    assert found == {"signal": "EPERM" if find_version() >= 6 else "open"}


async def test_without_landlock_the_other_limits_hold(place: Path) -> None:
    bounds = [LIMITS.address_space, 20, LIMITS.source_bytes, place / "source", place / "made"]
    program = f"""{ATTEMPT}
import socket
attempt("beside", lambda: open("{place}/beside"))
attempt("socket", lambda: socket.socket())
attempt("large", lambda: open("large", "wb").write(bytes(200_000)))
"""
    command = [*map(str, bounds), "/usr/bin/python3", "-I", "-c", program]
    code = f"{WITHOUT_LANDLOCK}\nsys.exit(sandbox.main({command!r}))"
    output = await run_python(code, folder=place / "made")
    found = dict(line.split(" ") for line in output.splitlines())
    assert found == {"beside": "open", "socket": "EACCES", "large": "EFBIG"}


async def test_a_worker_without_landlock_says_so_when_it_starts(place: Path) -> None:
    start = """
from supmessenger_common.log import configure_logging
from supmessenger_worker.main import build_transcoding
from supmessenger_worker.settings import WorkerSettings
configure_logging(service="worker", level="info", instance="sup")
build_transcoding(WorkerSettings(domain="chat.example.org"), pool=None, bucket=None)
"""
    output = await run_python(WITHOUT_LANDLOCK + start, folder=place)
    (line,) = [json.loads(line) for line in output.splitlines()]
    assert "no Landlock" in json.dumps(line)
    if find_version():
        assert await run_python(start, folder=place) == ""


async def test_a_hidden_process_keeps_its_environment_from_others_of_its_user(
    place: Path,
) -> None:
    code = """
import ctypes, os
from supmessenger_worker.transcoding.sandbox import hide_process
def look():
    child = os.fork()
    if child == 0:
        try:
            open(f"/proc/{os.getppid()}/environ").read()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
print(look())
hide_process()
print(look())
"""
    assert (await run_python(code, folder=place)).split() == ["0", "1"]


@pytest.mark.parametrize(
    ("version", "files", "network", "scopes"),
    [(1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 3, 0), (5, 16, 3, 0), (7, 16, 3, 3)],
)
def test_everything_a_version_knows_is_forbidden(
    version: int, files: int, network: int, scopes: int
) -> None:
    told = struct.unpack("QQQ", build_ruleset(version))
    assert told == ((1 << files) - 1, network, scopes)


def test_programs_can_be_run_and_not_changed() -> None:
    assert all(not rule.rights & WRITE_FILE for rule in PROGRAMS)
    rules = {rule.path: rule.rights for rule in build_rules(reads=Path("/a"), writes=Path("/b"))}
    assert rules[Path("/a")] == READ_FILE
    assert not rules[Path("/b")] & EXECUTE
    assert {str(path) for path in rules} == {
        *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"),
        *("/a", "/b"),
    }


async def run_python(code: str, *, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
