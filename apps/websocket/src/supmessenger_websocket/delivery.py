"""Where a process and its connections stand in a chat: each seq once, in order, no gap.

A room is this process's place in one chat: hints of new messages arrive in any order, twice or
never, and are let through only one after the other. A membership is one connection's place in
the same chat: while it replays from the database it takes nothing from the room, and it goes
live only at a moment when it has everything the room has let through.
"""

from enum import Enum

UNKNOWN = -1


class Offer(Enum):
    """What to do with a message that was offered to a room."""

    DELIVER = "deliver"
    KNOWN = "known"
    GAP = "gap"


class Position:
    """A room's place: `delivered` was let through, `wanted` is known to exist."""

    __slots__ = ("delivered", "wanted")

    def __init__(self) -> None:
        self.delivered = UNKNOWN
        self.wanted = UNKNOWN

    @property
    def behind(self) -> bool:
        """Whether messages are known to exist that were not let through."""
        return self.delivered != UNKNOWN and self.wanted > self.delivered

    def start(self, last_seq: int) -> None:
        """Begin after `last_seq`, as read once hints could no longer be missed."""
        if self.delivered == UNKNOWN:
            self.delivered = last_seq
            self.wanted = max(self.wanted, last_seq)

    def offer(self, seq: int) -> Offer:
        """Take the hint of one message; only DELIVER moves the room."""
        self.wanted = max(self.wanted, seq)
        if self.delivered == UNKNOWN:
            return Offer.GAP
        if seq <= self.delivered:
            return Offer.KNOWN
        if seq == self.delivered + 1:
            self.delivered = seq
            return Offer.DELIVER
        return Offer.GAP

    def accept_stored(self, seq: int) -> bool:
        """Take a message read in order from the database: deleted ones leave holes there."""
        if seq <= self.delivered:
            return False
        self.delivered = seq
        self.wanted = max(self.wanted, seq)
        return True

    def accept_end(self, known: int) -> None:
        """The database holds nothing more up to `known`, which was committed before the read."""
        self.delivered = max(self.delivered, known)
        self.wanted = max(self.wanted, self.delivered)


class Cursor:
    """A connection's place in a chat."""

    __slots__ = ("delivered", "live")

    def __init__(self, after: int) -> None:
        self.delivered = after
        self.live = False

    def take_live(self, seq: int) -> bool:
        """Return whether a message let through by the room is to be written now."""
        if not self.live or seq <= self.delivered:
            return False
        self.delivered = seq
        return True

    def take_replayed(self, seq: int) -> bool:
        """Return whether a message of the replay is to be written now."""
        if self.live or seq <= self.delivered:
            return False
        self.delivered = seq
        return True

    def finish_page(self, *, complete: bool, floor: int, position: Position) -> bool:
        """End one page of the replay; True when the connection is live from here.

        `floor` is what the room had let through before the page was read: a `complete` page
        (the last one there was) contains all of it.
        """
        if complete:
            self.delivered = max(self.delivered, floor)
            self.live = self.delivered >= position.delivered
        return self.live
