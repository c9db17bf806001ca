"""What a judge says about one condition, before generation and time are added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from supmessenger_operator.model.status import Condition, ConditionStatus, Status


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One condition as judged now."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""

    @property
    def is_true(self) -> bool:
        """Whether the condition holds."""
        return self.status == "True"


def join_messages(verdicts: Sequence[Verdict]) -> str:
    """Return one short sentence: the first in full, the names of the others."""
    first, *others = verdicts
    message = f"{first.type}: {first.message}"
    if not others:
        return message
    return f"{message}; also not ready: {', '.join(verdict.type for verdict in others)}"


def build_condition(
    verdict: Verdict, *, previous: Status, generation: int, now: datetime
) -> Condition:
    """Return the condition; its transition time stays while its status does."""
    before = previous.find_condition(verdict.type)
    changed = before is None or before.status != verdict.status
    return Condition(
        type=verdict.type,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        observed_generation=generation,
        last_transition_time=format_time(now)
        if changed or before is None
        else before.last_transition_time,
    )


def format_time(moment: datetime) -> str:
    """Return a time as Kubernetes writes it, in UTC with seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
