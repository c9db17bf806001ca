"""One alert: when it fires, how bad it is, and what a person does then."""

from dataclasses import dataclass
from typing import Any, Literal

Rule = dict[str, Any]

RUNBOOKS = "https://github.com/sup-messenger/sup-messenger/blob/main/docs/runbooks"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alerting rule.

    `critical`: people notice, act now; `warning`: they will, act today. `description` ends with
    the cure. Both texts may use the labels and the value of the series.
    """

    name: str
    expr: str
    duration: str
    severity: Literal["critical", "warning"]
    summary: str
    description: str

    def build_rule(self) -> Rule:
        """Return the rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.duration,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }
