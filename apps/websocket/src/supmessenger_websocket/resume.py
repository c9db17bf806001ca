"""Resume: what each chat of a user needs, and the replay that ends in live events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from supmessenger_common.database import Pool
from supmessenger_common.messages.events import build_message_event
from supmessenger_common.messages.history import Viewer, fetch_after
from supmessenger_websocket.chats import OwnChat
from supmessenger_websocket.delivery import UNKNOWN, Cursor, Position
from supmessenger_websocket.events import build_text_frame
from supmessenger_websocket.frames import ChatPosition
from supmessenger_websocket.limits import Limits

RECOVERED = "recovered"
RESET = "reset"
GONE = "gone"

# A page is held in memory while a slow peer takes it: near this size, after a short first one.
PAGE_BYTES = 256 * 1024
FIRST_PAGE = 25


@dataclass(frozen=True)
class Step:
    """Follow a chat after `after`; `status` is what the client is told, when it asked."""

    chat: UUID
    after: int
    last_seq: int
    status: str
    asked: bool


class Receiver(Protocol):
    """The connection that is brought up to date."""

    @property
    def open(self) -> bool:
        """Whether it still is."""

    @property
    def viewer(self) -> Viewer:
        """Who reads."""

    def send(self, frame: bytes) -> None:
        """Queue one frame."""

    async def wait_writable(self) -> None:
        """Wait while the peer is behind."""


class Stage(Protocol):
    """The room whose live events follow the replay."""

    @property
    def position(self) -> Position:
        """Where it is now."""


def plan_resume(
    asked: Sequence[ChatPosition], chats: dict[UUID, OwnChat], *, limit: int
) -> list[Step]:
    """Return a step for every chat of the user and for every other chat asked for.

    An empty `asked` means all chats from what was read. More than `limit` missed messages, or
    a place the chat has not reached (the database was restored), is a reset.
    """
    if not asked:
        return [plan_chat(chat, chat.last_read_seq, limit=limit) for chat in chats.values()]
    positions = {position.chat: position.seq for position in asked}
    steps = [
        plan_chat(chats[chat], seq, limit=limit)
        if chat in chats
        else Step(chat=chat, after=0, last_seq=0, status=GONE, asked=True)
        for chat, seq in positions.items()
    ]
    others = (chat for key, chat in chats.items() if key not in positions)
    return steps + [
        Step(chat.chat, chat.last_seq, chat.last_seq, RECOVERED, asked=False) for chat in others
    ]


def plan_chat(chat: OwnChat, seq: int, *, limit: int) -> Step:
    """Return the step of one chat for a client that has everything up to `seq`."""
    after = max(seq, chat.joined_seq)
    if seq > chat.last_seq or chat.last_seq - after > limit:
        return Step(chat.chat, chat.last_seq, chat.last_seq, status=RESET, asked=True)
    return Step(chat.chat, after, chat.last_seq, status=RECOVERED, asked=True)


async def replay_chat(
    pool: Pool,
    receiver: Receiver,
    chat: UUID,
    *,
    cursor: Cursor,
    stage: Stage,
    limits: Limits,
) -> None:
    """Send what is stored after the cursor, until the connection can take live events."""
    if cursor.delivered >= stage.position.wanted:
        # Nothing more is known to exist, so nothing need be read: most chats of a resume.
        cursor.finish_page(complete=True, floor=UNKNOWN, position=stage.position)
    limit = FIRST_PAGE
    while receiver.open and not cursor.live:
        floor = stage.position.delivered
        messages = await fetch_after(
            pool, chat, viewer=receiver.viewer, after=cursor.delivered, limit=limit
        )
        size = 0
        for message in messages:
            if cursor.take_replayed(message.seq):
                frame = build_text_frame(build_message_event(message))
                size += len(frame)
                receiver.send(frame)
                await receiver.wait_writable()
        cursor.finish_page(complete=len(messages) < limit, floor=floor, position=stage.position)
        limit = compute_page(size, rows=len(messages), most=limits.replay_page)


def compute_page(size: int, *, rows: int, most: int) -> int:
    """Return how many messages to read next, so that a page stays near `PAGE_BYTES`."""
    if rows == 0:
        return min(most, FIRST_PAGE)
    return max(1, min(most, PAGE_BYTES * rows // max(size, 1)))
