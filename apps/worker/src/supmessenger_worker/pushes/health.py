"""How the providers are, as the instance's checker tells it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from supmessenger_worker.pushes.model import Outcome, Provider, Target

# One device's token may be no good, and whoever has an account may register such a one: only so
# many devices, none of which could be woken and no other in between, are a finding.
DEVICES: Final = 3
# After this long without another attempt the last ones say nothing about now.
MEMORY: Final = timedelta(minutes=15)


@dataclass
class _Record:
    devices: set[UUID] = field(default_factory=set)
    reason: str = ""
    at: datetime | None = None


class PushHealth:
    """What the last attempts of this process came to."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._records: dict[Provider, _Record] = {}

    def note(self, target: Target, outcome: Outcome, *, now: datetime) -> None:
        """Remember an attempt."""
        record = self._records.setdefault(target.provider, _Record())
        if outcome.result in ("delivered", "gone"):
            record.devices.clear()
            return
        if len(record.devices) < DEVICES:
            record.devices.add(target.device_id)
        record.reason, record.at = outcome.reason, now

    def find_fault(self, *, now: datetime) -> str | None:
        """Return what is wrong with a provider, if anything."""
        for record in self._records.values():
            recent = record.at is not None and now - record.at < MEMORY
            if len(record.devices) >= DEVICES and recent:
                return f"no device can be woken, {DEVICES} or more were tried: {record.reason}"
        return None
