"""Waiting for an instance, told part by part with the time it took."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from supmessenger_cli.health import Health, parse_health
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import ClusterError
from supmessenger_cli.terminal import VerbFailure, console

POLL_SECONDS = 1.0
# With pauses of 1, 2, 4, 8 and 16 s between them: an API server that restarts is back by then.
TRIES = 6

T = TypeVar("T")


async def wait_for(
    scope: Scope,
    is_done: Callable[[Health], bool],
    *,
    goal: str,
    timeout: float,
    minds_stalls: bool = True,
) -> Health:
    """Poll until `is_done`, printing what changes; a stall ends it with the operator's cure."""
    began, told = time.monotonic(), Told()
    while True:
        health = parse_health(await ask_patiently(scope.resource, scope=scope))
        elapsed = time.monotonic() - began
        for line in told.find_news(health):
            console.print(f"{elapsed:5.0f} s  {line}", markup=False)
        if is_done(health):
            return health
        if minds_stalls and health.stalled:
            raise VerbFailure(f"{scope.name} is stalled", cure=health.stalled)
        if elapsed > timeout:
            raise VerbFailure(
                f"{scope.name} is not {goal} after {timeout:.0f} s: {health.message}",
                cure=f"kubectl sup status {scope.name} {scope.flags}; it goes on by itself, and"
                " --timeout waits longer",
            )
        await asyncio.sleep(POLL_SECONDS)


async def ask_patiently(ask: Callable[[], Awaitable[T]], *, scope: Scope) -> T:
    """Ask the cluster again while it does not answer; VerbFailure tells the last error."""
    for attempt in range(1, TRIES + 1):
        try:
            return await ask()
        except ClusterError as error:
            if attempt == TRIES:
                raise VerbFailure(
                    f"the cluster did not answer {TRIES} times in a row: {error}",
                    cure=f"what was begun goes on by itself; once the cluster answers:"
                    f" kubectl sup status {scope.name} {scope.flags}",
                ) from error
            console.print(f"        no answer, trying again: {error}", markup=False)
            await asyncio.sleep(POLL_SECONDS * 2 ** (attempt - 1))
    raise AssertionError("the last attempt returns or raises")


class Told:
    """What was said already, so that only news is said."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._story = ""

    def find_news(self, health: Health) -> list[str]:
        """Return the lines that are new: parts that changed, then the whole's story."""
        lines = []
        for part in health.parts:
            if part.state in ("off", "unavailable") or self._states.get(part.name) == part.state:
                continue
            self._states[part.name] = part.state
            lines.append(f"{part.name:<16} {part.state}")
        story = f"{health.phase}: {shorten(health.message)}"
        if story != self._story:
            self._story = story
            lines.append(story)
        return lines


def shorten(story: str) -> str:
    """Return the first of the sentences that a status strings together with semicolons."""
    first, more, _ = story.partition("; ")
    return f"{first} …" if more else first
