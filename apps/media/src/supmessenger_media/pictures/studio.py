"""Runs picture processes: a bounded number at once, each with a time and a memory limit."""

import asyncio
import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from supmessenger_media.pictures.limits import PictureLimits

_PROCESS_MODULE = "supmessenger_media.pictures.process"


class PictureTask(StrEnum):
    """What a picture process can be asked for."""

    THUMBNAIL = "thumbnail"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished task: the upright size in pixels (of the source for a thumbnail), its type."""

    width: int
    height: int
    content_type: str


class PictureRefusedError(Exception):
    """The picture cannot be used; `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the reason and the decoder's words, which are for the log only."""
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason


class PictureStudio:
    """Makes pictures from untrusted files, never inside the service's own process."""

    def __init__(self, limits: PictureLimits) -> None:
        """Bound the work by `limits`."""
        self.limits = limits
        self._slots = asyncio.Semaphore(limits.processes)

    async def make(self, task: PictureTask, *, source: Path, result: Path) -> Picture:
        """Write `result` from `source`; raises PictureRefusedError, also when a limit ended it."""
        async with self._slots:
            code, answer = await self._run(task, source, result)
        if code != 0:
            # Killed by a limit, or aborted by the decoder when memory ran out.
            raise PictureRefusedError("limits_exceeded", f"exit code {code}")
        told = json.loads(answer)
        if "refused" in told:
            raise PictureRefusedError(told["refused"], told.get("detail", ""))
        return Picture(**told)

    async def _run(self, task: PictureTask, source: Path, result: Path) -> tuple[int, bytes]:
        limits = self.limits
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", _PROCESS_MODULE, task, str(source), str(result), str(limits.pixels)),
            *(str(limits.address_space), str(max(1, round(limits.seconds)))),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"MALLOC_ARENA_MAX": "2", "TMPDIR": str(result.parent), "LANG": "C.UTF-8"},
        )
        try:
            async with asyncio.timeout(limits.seconds):
                answer, _ = await process.communicate()
        except TimeoutError:
            raise PictureRefusedError("limits_exceeded", f"{limits.seconds} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, answer
