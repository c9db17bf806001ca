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
    """One stay of a device in a call; coming back is another."""

    user_id: UUID
    device_id: UUID | None
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True)
class Call:
    """A call and everybody who was or is in it."""

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
    """What the media server says of one connection: `sid` is new for each time one joins."""

    sid: str
    identity: str
    joined_at: datetime

    @property
    def device_id(self) -> UUID | None:
        """The device whose token it was; None for whoever is not a device of ours."""
        try:
            return UUID(self.identity)
        except ValueError:
            return None


def compute_stay_id(call_id: UUID, sid: str) -> UUID:
    """Return the one id of a connection's stay, however often and in what order it is told."""
    return uuid5(call_id, sid)


def compute_answered(call: Call) -> datetime | None:
    """Return when somebody but the one who called came; what came after the end is no answer."""
    return min(
        (
            stay.joined_at
            for stay in call.stays
            if stay.user_id != call.initiator_id
            and (call.ended_at is None or stay.joined_at < call.ended_at)
        ),
        default=None,
    )


def compute_status(call: Call, *, answered: bool) -> Status:
    """Return what the stays make of a call; news in any order lead to the same."""
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
