"""What the smoke conversation shows beyond messages: one file for each part of the platform."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from supmessenger_cli.smoke.calls import check_calls
from supmessenger_cli.smoke.events import check_events
from supmessenger_cli.smoke.logs import check_logs
from supmessenger_cli.smoke.metrics import check_metrics
from supmessenger_cli.smoke.push import check_push
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.smoke.video import check_video

Check = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class PartCheck:
    """A check and the condition without which there is nothing to check."""

    condition: str
    check: Check


# In the order in which they run; each file has one function `check_<noun>`.
CHECKS: tuple[PartCheck, ...] = (
    PartCheck("MediaReady", check_video),
    PartCheck("WorkerReady", check_push),
    PartCheck("LivekitReady", check_calls),
    PartCheck("PrometheusReady", check_metrics),
    PartCheck("LokiReady", check_logs),
    PartCheck("KafkaReady", check_events),
)


async def check_parts(stage: Stage) -> None:
    """Show every part that is switched on; one that is off has no condition."""
    present = {one["type"] for one in stage.resource.get("status", {}).get("conditions", [])}
    for part in CHECKS:
        if part.condition in present:
            await part.check(stage)
