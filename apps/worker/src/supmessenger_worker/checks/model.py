"""What the checker finds, as the operator reads it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

CheckName = Literal[
    "postgres",
    "redis-cache",
    "redis-state",
    "rabbitmq",
    "object-storage",
    "api",
    "websocket",
    "media",
    "edge",
    "smtp",
    "push",
    "kafka",
    "livekit",
    "turn",
    "prometheus",
    "grafana",
    "loki",
]
CHECK_NAMES: tuple[CheckName, ...] = get_args(CheckName)


class CheckFailedError(Exception):
    """The thing answered, and the answer is wrong; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a working thing told: its version, where it has one, and a remark for people."""

    version: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check, once."""

    name: CheckName
    ok: bool
    version: str | None
    latency_ms: float
    message: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All checks of one round, in the order of `CHECK_NAMES`."""

    checked_at: datetime
    checks: tuple[CheckResult, ...]


def build_report(results: list[CheckResult], *, now: datetime) -> CheckReport:
    """Put the results of a round in their fixed order."""
    return CheckReport(now, tuple(sorted(results, key=lambda r: CHECK_NAMES.index(r.name))))
