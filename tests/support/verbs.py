"""The verbs of `kubectl sup` as processes of their own."""

import asyncio
import os
import sys

# As from a terminal: behind a shell's `&` interrupts are ignored, and so by all that is started.
TERMINAL = ("env", "--default-signal=INT")
PROGRAM = (*TERMINAL, sys.executable, "-c", "from supmessenger_cli.main import run; run()")
CHAT = ("-n", "chat")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """Start a verb; its output is read by who started it."""
    return await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ,
    )


async def call(*arguments: str, code: int = 0) -> str:
    """Run a verb to its end and return what it printed; the exit code is part of the claim."""
    process = await start(*arguments)
    out, err = await process.communicate()
    assert process.returncode == code, f"{arguments}\n{out.decode()}\n{err.decode()}"
    assert b"Traceback" not in err
    return out.decode()
