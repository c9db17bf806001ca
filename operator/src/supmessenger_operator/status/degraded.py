"""`Degraded`: it runs, but not as it should."""

from collections.abc import Sequence

from supmessenger_operator.model.facts import Facts
from supmessenger_operator.status.component_ready import STUCK_REASONS
from supmessenger_operator.status.verdict import Verdict


def judge_degraded(facts: Facts, components: Sequence[Verdict]) -> Verdict:
    """Name the parts that are not well although they should be by now."""
    failing = [
        verdict
        for verdict in components
        if verdict.status == "False" and (facts.is_installed or verdict.reason in STUCK_REASONS)
    ]
    if failing:
        message = "; ".join(f"{verdict.type}: {verdict.message}" for verdict in failing)
        return Verdict(type="Degraded", status="True", reason="ComponentsNotReady", message=message)
    report = facts.fresh_report
    smtp = report.find("smtp") if report is not None else None
    if smtp is not None and not smtp.ok:
        message = f"emails can't be sent: {smtp.message}; see spec.smtp"
        return Verdict(type="Degraded", status="True", reason="SmtpFailing", message=message)
    return Verdict(type="Degraded", status="False", reason="Healthy")
