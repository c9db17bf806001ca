"""Runs the checks, all at once, and keeps the newest report."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Gauge

from supmessenger_common.log import get_logger
from supmessenger_worker.checks.model import (
    Answer,
    CheckName,
    CheckReport,
    CheckResult,
    build_report,
)

TIMEOUT_SECONDS = 2.0
CHECK_OK = Gauge("check_ok", "Whether the newest live check of a part was good.", ("check",))
_log = get_logger("checks")


@dataclass(frozen=True)
class Check:
    """One thing to ask; `probe` raises when it does not work."""

    name: CheckName
    probe: Callable[[], Awaitable[Answer]]


class CheckBoard:
    """The newest report of a list of checks; whoever asks during a round shares its result."""

    def __init__(self, checks: Sequence[Check], *, timeout: float = TIMEOUT_SECONDS) -> None:
        """Allow every check `timeout` seconds."""
        self._checks = tuple(checks)
        self._timeout = timeout
        self._report: CheckReport | None = None
        self._round: asyncio.Task[CheckReport] | None = None

    async def read(self) -> CheckReport:
        """Return the newest report; the very first reader waits for the first round."""
        return self._report or await self.run_now()

    async def run_now(self) -> CheckReport:
        """Run a round, or join the one under way, and return its report."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._run_round())
        # One reader that goes away must not end the round of the others.
        return await asyncio.shield(self._round)

    async def keep_fresh(self, *, interval: float) -> None:
        """Run a round every `interval` seconds, with jitter, until cancelled."""
        while True:
            await self.run_now()
            # Many instances on one cluster must not ask in step.
            await asyncio.sleep(interval * random.uniform(0.9, 1.1))

    async def _run_round(self) -> CheckReport:
        results = await asyncio.gather(
            *(run_check(check, timeout=self._timeout) for check in self._checks)
        )
        before = {r.name: r.ok for r in self._report.checks} if self._report else {}
        for result in results:
            if before.get(result.name, True) != result.ok:
                write = _log.info if result.ok else _log.warning
                write("check changed", check=result.name, ok=result.ok, why=result.message)
            CHECK_OK.labels(result.name).set(result.ok)
        self._report = build_report(list(results), now=datetime.now(UTC))
        return self._report


async def run_check(check: Check, *, timeout: float) -> CheckResult:
    """Run one check; whatever goes wrong becomes its message."""
    begin = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            answer = await check.probe()
        ok = True
    except TimeoutError:
        ok, answer = False, Answer(message=f"no answer within {timeout:g} s")
    # Any error of any client library means the same here: the thing does not work, and why.
    except Exception as error:
        ok, answer = False, Answer(message=describe_error(error))
    latency = round((time.monotonic() - begin) * 1000, 1)
    return CheckResult(check.name, ok, answer.version, latency, answer.message)


def describe_error(error: BaseException) -> str:
    """Return one line about an error, at most 300 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300]
