"""What a call is between the wire, the media server and the tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

Kind = Literal["audio", "video"]
Status = Literal["ringing", "active", "ended", "missed", "declined", "failed"]

# Nobody came: from here on the call is missed.
RING_TIME = timedelta(seconds=60)


@dataclass(frozen=True)
class Stay:
    """The latest stay of a device in a call."""

    user_id: UUID
    device_id: UUID | None
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True)
class Call:
    """A call with the devices that are in it, and of who left it the latest stay."""

    id: UUID
    chat_id: UUID
    kind: Kind
    status: Status
    room: str
    initiator_id: UUID | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    stays: tuple[Stay, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether one can still join."""
        return self.ended_at is None


@dataclass(frozen=True)
class Presence:
    """What the media server says of one connection: whose it is and since when."""

    identity: str
    joined_at: datetime

    @property
    def device_id(self) -> UUID | None:
        """The device whose token it was; None for whoever is not a device of ours."""
        try:
            return UUID(self.identity)
        except ValueError:
            return None


def compute_stay_id(call_id: UUID, device_id: UUID) -> UUID:
    """Return the id of a device's row in a call: coming back is no other row."""
    return uuid5(call_id, str(device_id))


def compute_answered(call: Call, *, user_id: UUID, joined_at: datetime) -> datetime | None:
    """Return when the first but the one who called came, now that one more is known to have."""
    if user_id == call.initiator_id:
        return call.answered_at
    return joined_at if call.answered_at is None else min(call.answered_at, joined_at)


def compute_answered_before(call: Call, end: datetime) -> datetime | None:
    """Return when a call was answered that ends at `end`; what came later is no answer."""
    if call.answered_at is None or call.answered_at >= end:
        return None
    return call.answered_at


def compute_status(call: Call, *, answered: bool) -> Status:
    """Return what is true of a call; news in any order lead to the same."""
    if call.is_open:
        return "active" if answered else "ringing"
    if call.status == "failed":
        return "failed"
    if answered:
        return "ended"
    return "declined" if call.status == "declined" else "missed"


def is_ringing_too_long(call: Call, *, now: datetime) -> bool:
    """Say whether nobody will answer any more."""
    return call.status == "ringing" and call.started_at + RING_TIME <= now
