"""Readiness."""

from __future__ import annotations

import asyncio

import pytest

from supmessenger_common import health
from supmessenger_common.health import HealthState, ReadinessCheck, gather_readiness


async def succeed() -> None:
    """A part that is well."""


async def fail() -> None:
    """A part that is not."""
    raise ConnectionRefusedError("nobody listens")


async def hang() -> None:
    """A part that does not answer."""
    await asyncio.Event().wait()


async def test_a_failing_check_is_named_with_its_reason() -> None:
    checks = [ReadinessCheck("a", succeed), ReadinessCheck("b", fail)]
    readiness = await gather_readiness(HealthState(), checks)
    assert readiness.http_status == 503
    assert readiness.build_body() == {
        "status": "failing",
        "checks": [
            {"name": "a", "ok": True, "message": ""},
            {"name": "b", "ok": False, "message": "ConnectionRefusedError: nobody listens"},
        ],
    }


async def test_a_check_that_hangs_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    async with asyncio.timeout(5):
        readiness = await gather_readiness(HealthState(), [ReadinessCheck("slow", hang)])
    assert readiness.checks[0].message == "no answer in 0.05 s"


async def test_a_draining_service_is_not_ready_whatever_its_checks_say() -> None:
    readiness = await gather_readiness(HealthState(draining=True), [ReadinessCheck("a", succeed)])
    assert (readiness.http_status, readiness.status) == (503, "draining")


async def test_a_service_without_checks_is_ready() -> None:
    assert (await gather_readiness(HealthState(), [])).http_status == 200
