"""When a failed job is tried again, and when it is given up."""

from dataclasses import dataclass
from datetime import timedelta


class TemporaryJobError(Exception):
    """The job may work later; it is tried again until its attempts are used up."""


class PermanentJobError(Exception):
    """The job can never work; it goes to the dead letters at once."""


@dataclass(frozen=True)
class RetryPolicy:
    """Delays before the second, third, … attempt; after the last one a job is dead."""

    delays: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=1),
        timedelta(hours=6),
    )


@dataclass(frozen=True)
class Retry:
    """Try again after `delay`, as attempt number `attempt` (the first is 1)."""

    delay: timedelta
    attempt: int


@dataclass(frozen=True)
class GiveUp:
    """Never try again; `reason` is written beside the dead letter."""

    reason: str


def compute_next_step(error: Exception, *, attempt: int, policy: RetryPolicy) -> Retry | GiveUp:
    """Decide what follows after attempt number `attempt` (the first is 1) ended in `error`.

    An error nobody foresaw is treated as temporary: it may be the network, and if it is a bug
    the attempts bound it.
    """
    if isinstance(error, PermanentJobError):
        return GiveUp(str(error))
    if attempt > len(policy.delays):
        return GiveUp(f"attempt {attempt} of {attempt} failed: {error!r}")
    return Retry(policy.delays[attempt - 1], attempt + 1)
