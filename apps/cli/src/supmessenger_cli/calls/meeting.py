"""Two participants meet: a process for each, and what both report."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from supmessenger_cli.calls.task import Report, Task, build_line, parse_report

RECOGNISE_SECONDS = 60.0
LEAVE_SECONDS = 10.0
_MODULE = "supmessenger_cli.calls.participant"
_TOLD_BYTES = 2000


class CallFailedError(ValueError):
    """A participant did not hear or see the other; the message says what its process told."""


def has_sdk() -> bool:
    """Say whether LiveKit's SDK is installed: it is the extra `calls`."""
    try:
        version("livekit")
    except PackageNotFoundError:
        return False
    return True


@asynccontextmanager
async def hold_meeting(
    tasks: Sequence[Task], *, environment: Mapping[str, str]
) -> AsyncIterator[Sequence[Report]]:
    """Yield the reports of all while they are still in the call; they leave at the end.

    `environment` tells the SDK whom to trust and by which way to go.
    """
    async with AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(_run_participant(task, environment)) for task in tasks
        ]
        yield await _gather_reports(processes)


async def _gather_reports(processes: Sequence[asyncio.subprocess.Process]) -> Sequence[Report]:
    readers = [asyncio.create_task(_read_report(process)) for process in processes]
    try:
        return await asyncio.gather(*readers)
    finally:
        # One that failed is enough: nobody may still be reading what is to be cleared away.
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


@asynccontextmanager
async def _run_participant(
    task: Task, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _MODULE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdin is not None, "asked for above"
    try:
        process.stdin.write(build_line(task))
        await process.stdin.drain()
        yield process
        process.stdin.close()
        async with asyncio.timeout(LEAVE_SECONDS):
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _read_report(process: asyncio.subprocess.Process) -> Report:
    assert process.stdout is not None, "asked for at the start"
    try:
        async with asyncio.timeout(RECOGNISE_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError:
        process.kill()
        raise CallFailedError(
            f"sound and picture of the other were not recognised in {RECOGNISE_SECONDS:.0f} s: "
            f"{await _read_told(process)}"
        ) from None
    if not line:
        raise CallFailedError(f"a participant ended: {await _read_told(process)}")
    return parse_report(line)


async def _read_told(process: asyncio.subprocess.Process) -> str:
    """Return the end of what an ended process told."""
    assert process.stderr is not None, "asked for at the start"
    return (await process.stderr.read()).decode(errors="replace")[-_TOLD_BYTES:].strip()
