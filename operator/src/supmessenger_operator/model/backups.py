"""When the last good backup was made, and for how long none may be missing."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.schedule import compute_longest_gap

COMPONENT = "backup"
# A backup may be missed once; the time that a run takes comes on top.
MISSED_RUNS = 2
RUN_TIME = timedelta(hours=1)


def find_last_good(observed: Iterable[ObservedObject]) -> str:
    """Return when the newest good backup was made, also one made by hand; empty without any."""
    return max(
        (
            item.last_success if item.kind == "CronJob" else item.created
            for item in observed
            if item.component == COMPONENT
            and (item.kind == "CronJob" or (item.kind == "Job" and item.is_ready))
        ),
        default="",
    )


def compute_allowance(schedule: str, *, now: datetime) -> timedelta | None:
    """Return how old the newest backup may be; None where the schedule hardly ever comes."""
    gap = compute_longest_gap(schedule, now=now)
    return MISSED_RUNS * gap + RUN_TIME if gap is not None else None
