"""`Stalled`: a person must act."""

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.verdict import Verdict

FREE = "nothing waits for a person"


def judge_stalled(facts: Facts) -> Verdict:
    """Say what a person has to do, if anything."""
    stalled = facts.outcome.stalled
    if stalled is None:
        return Verdict(type="Stalled", status="False", reason="NotStalled", message=FREE)
    message = stalled.message
    if facts.is_installed:
        message += "; what was released before goes on running"
    return Verdict(type="Stalled", status="True", reason=stalled.reason, message=message)
