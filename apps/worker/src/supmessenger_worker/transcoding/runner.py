"""Runs ffmpeg and ffprobe in their sandbox, with a wall clock."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from supmessenger_worker.transcoding.limits import TranscodingLimits
from supmessenger_worker.transcoding.sandbox import EXIT_NO_SANDBOX

_MODULE: Final = "supmessenger_worker.transcoding.sandbox"
_STDERR_TAIL: Final = 2000
# What ffprobe tells of a video, and ffmpeg of its progress, is a fraction of this.
_STDOUT_LIMIT: Final = 2 * 1024 * 1024
TakeLine = Callable[[str], Awaitable[None]]


class SandboxError(Exception):
    """This machine does not let the process limit itself: nothing is converted on it."""


class OutOfTimeError(Exception):
    """The wall clock or the processor time ran out."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `complaint` is the tail of what it wrote to stderr, for the log."""

    code: int
    complaint: str


async def run_limited(
    command: Sequence[str],
    *,
    reads: Path,
    writes: Path | None = None,
    seconds: float,
    limits: TranscodingLimits,
    take_line: TakeLine,
) -> Ended:
    """Run a command and give each line of its output to `take_line`.

    It may read the file `reads`, and work in the folder `writes` where one is given.
    It is killed when `seconds` are over, when `take_line` raises, and when this task is cancelled.
    """
    bounds = (limits.address_space, round(seconds), limits.source_bytes)
    folder = writes or reads.parent
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", _MODULE, *map(str, bounds)),
        *(str(reads), str(writes or "")),
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            complaint = await _follow(process, take_line)
            code = await process.wait()
    except TimeoutError:
        raise OutOfTimeError(f"not done after {seconds:g} s") from None
    except ExceptionGroup as group:
        # Only `take_line` can fail: what it raised is meant for our caller.
        raise group.exceptions[0] from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code == EXIT_NO_SANDBOX:
        raise SandboxError(complaint)
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise OutOfTimeError(f"ended by signal {-code}")
    return Ended(code, complaint)


async def _follow(process: asyncio.subprocess.Process, take_line: TakeLine) -> str:
    assert process.stdout is not None, "it is a pipe"
    assert process.stderr is not None, "it is a pipe"
    async with asyncio.TaskGroup() as tasks:
        complaint = tasks.create_task(_read_tail(process.stderr))
        tasks.create_task(_read_lines(process.stdout, take_line))
    return complaint.result()


async def _read_lines(stream: asyncio.StreamReader, take_line: TakeLine) -> None:
    total = 0
    while line := await stream.readline():
        total += len(line)
        if total > _STDOUT_LIMIT:
            raise ValueError("the program says too much")
        await take_line(line.decode("utf-8", "replace").rstrip("\n"))


async def _read_tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while piece := await stream.read(4096):
        tail = (tail + piece)[-_STDERR_TAIL:]
    return " ".join(tail.decode("utf-8", "replace").split())
