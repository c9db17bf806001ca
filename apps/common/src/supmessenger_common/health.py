"""Health of a service: whether it lives, and whether it can work now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

CHECK_SECONDS = 2.0


@dataclass(frozen=True)
class ReadinessCheck:
    """One thing the service cannot work without; `probe` raises when it fails."""

    name: str
    probe: Callable[[], Awaitable[None]]


@dataclass
class HealthState:
    """The one flag of a process that changes while it runs: it is about to end.

    `on_drain` is called once, at once; requests are still taken for a moment then.
    """

    draining: bool = False
    on_drain: Callable[[], None] | None = None

    def begin_drain(self) -> None:
        """Say that this process ends."""
        self.draining = True
        if self.on_drain is not None:
            self.on_drain()


@dataclass(frozen=True)
class CheckResult:
    """How one check went; the message is empty when it is well."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True)
class Readiness:
    """Whether to send work here, and why not."""

    status: str
    checks: tuple[CheckResult, ...]

    @property
    def http_status(self) -> int:
        """200 when ready, otherwise 503."""
        return 200 if self.status == "ready" else 503

    def build_body(self) -> dict[str, Any]:
        """Return the JSON of `/readyz`."""
        return {
            "status": self.status,
            "checks": [
                {"name": check.name, "ok": check.ok, "message": check.message}
                for check in self.checks
            ],
        }


async def gather_readiness(state: HealthState, checks: Sequence[ReadinessCheck]) -> Readiness:
    """Run all checks at once, each for at most two seconds."""
    if state.draining:
        return Readiness(status="draining", checks=())
    results = tuple(await asyncio.gather(*(_run(check) for check in checks)))
    status = "ready" if all(result.ok for result in results) else "failing"
    return Readiness(status=status, checks=results)


async def _run(check: ReadinessCheck) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check.probe()
    except TimeoutError:
        return CheckResult(check.name, ok=False, message=f"no answer in {CHECK_SECONDS:g} s")
    except Exception as error:  # whatever a probe raises means the same: it fails
        return CheckResult(check.name, ok=False, message=f"{type(error).__name__}: {error}")
    return CheckResult(check.name, ok=True, message="")
