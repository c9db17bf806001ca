"""How the providers are, as the instance's checker tells it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from supmessenger_worker.pushes.model import Outcome, Provider

# One device's push service may be away for a moment; this many in a row are a finding.
FAILURES: Final = 3
# After this long without another attempt the last ones say nothing about now.
MEMORY: Final = timedelta(minutes=15)


@dataclass
class _Record:
    failures: int = 0
    reason: str = ""
    at: datetime | None = None


class PushHealth:
    """What the last attempts of this process came to."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._records: dict[Provider, _Record] = {}

    def note(self, provider: Provider, outcome: Outcome, *, now: datetime) -> None:
        """Remember an attempt."""
        record = self._records.setdefault(provider, _Record())
        if outcome.result in ("delivered", "gone"):
            record.failures = 0
            return
        record.failures += 1
        record.reason, record.at = outcome.reason, now

    def find_fault(self, *, now: datetime) -> str | None:
        """Return what is wrong with a provider, if anything."""
        for record in self._records.values():
            recent = record.at is not None and now - record.at < MEMORY
            if record.failures >= FAILURES and recent:
                return f"the last {record.failures} attempts failed: {record.reason}"
        return None
