"""A port of a Service on this machine, through the API server."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from supmessenger_cli.scope import Scope
from supmessenger_cli.terminal import VerbFailure

FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
START_SECONDS = 20.0
END_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Forward:
    """A port-forward that stands."""

    port: int
    process: asyncio.subprocess.Process

    async def wait(self) -> None:
        """Wait until the other side ends it; what it says meanwhile is read and dropped."""
        await asyncio.gather(_drain(self.process.stdout), _drain(self.process.stderr))
        await self.process.wait()


@asynccontextmanager
async def forward_port(
    scope: Scope, service: str, *, remote: int, local: int = 0
) -> AsyncIterator[Forward]:
    """Forward to a Service; without a local port the same number is tried, then a free one."""
    forward = None
    if not local:
        forward = await _start(scope, service, pair=f"{remote}:{remote}", may_fail=True)
    if forward is None:
        pair = f"{local}:{remote}" if local else f":{remote}"
        forward = await _start(scope, service, pair=pair, may_fail=False)
    assert forward is not None
    try:
        yield forward
    finally:
        await _end(forward.process)


async def _start(scope: Scope, service: str, *, pair: str, may_fail: bool) -> Forward | None:
    process = await scope.kubectl.start(
        *("port-forward", f"service/{service}", pair, "--address", "127.0.0.1", *scope.where)
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        await _end(process)
        raise VerbFailure(
            f"kubectl port-forward {service}: no pod of it answered in {START_SECONDS:.0f} s",
            cure=f"kubectl {scope.flags} get pods",
        ) from None
    except BaseException:  # a child of ours must not outlive us
        await _end(process)
        raise
    found = FORWARDING.search(line)
    if found:
        return Forward(port=int(found[1]), process=process)
    said = (await process.stderr.read()).decode().strip()
    await _end(process)
    if may_fail and "listen" in said:
        return None
    raise VerbFailure(
        f"kubectl port-forward {service}: {said or 'it said nothing'}",
        cure=f"kubectl {scope.flags} get pods",
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _drain(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(65536):
        pass
