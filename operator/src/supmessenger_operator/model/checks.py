"""What an instance's checker says about the running platform."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime

from supmessenger_operator.model.base import Model

# An older report tells how things were, not how they are.
REPORT_LIFE = timedelta(seconds=120)


class Check(Model):
    """One live check of one part."""

    name: str
    ok: bool
    version: str | None = None
    latency_ms: float = 0.0
    message: str = ""


class CheckReport(Model):
    """All checks of one round."""

    checked_at: AwareDatetime
    checks: tuple[Check, ...]

    def is_stale(self, now: datetime) -> bool:
        """Whether the report is too old to tell anything."""
        return now - self.checked_at > REPORT_LIFE

    def find(self, name: str) -> Check | None:
        """Return the check of this part, if the checker makes one."""
        return next((check for check in self.checks if check.name == name), None)

    def verdict(self) -> tuple[tuple[str, bool, str | None, str], ...]:
        """What matters of a report: without times, so that equal means nothing has changed."""
        return tuple(
            (check.name, check.ok, check.version, "" if check.ok else check.message)
            for check in self.checks
        )
