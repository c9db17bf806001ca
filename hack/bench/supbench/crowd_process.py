"""Starts the client process and talks to it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_ANSWER_SECONDS = 60
_ENV = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}


@dataclass(frozen=True)
class CrowdProcess:
    """Sockets in a process of their own, so that their work is not the service's."""

    process: Process

    async def connect(self, port: int, tokens: Sequence[str]) -> int:
        """Open sockets to the service; returns how many are open."""
        return await self._ask(verb="connect", port=port, tokens=list(tokens))

    async def receive(self, count: int) -> None:
        """Return when so many messages have arrived."""
        await self._ask(verb="receive", count=count)

    async def _ask(self, **command: object) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(_ANSWER_SECONDS):
            line = await self.process.stdout.readline()
        if not line:
            raise ConnectionError("the client process has ended")
        return int(json.loads(line))


@asynccontextmanager
async def open_crowd() -> AsyncIterator[CrowdProcess]:
    """Yield a client process without sockets; it ends afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "supbench.crowd"),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | _ENV,
    )
    try:
        yield CrowdProcess(process)
    finally:
        # Sockets are not closed one by one: the kernel ends them with the process.
        process.kill()
        await process.wait()
