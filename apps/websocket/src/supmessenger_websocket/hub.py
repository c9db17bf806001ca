"""The chats that have a member connected here, and how events reach those members."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from prometheus_client import Counter

from supmessenger_common.database import Pool
from supmessenger_common.log import get_logger
from supmessenger_common.messages.events import (
    HintRecipient,
    build_device_event,
    build_message_event,
    build_shared_event,
    parse_hint,
)
from supmessenger_common.messages.publish import build_chat_channel
from supmessenger_websocket.background import stop_background
from supmessenger_websocket.chats import StoredPage, fetch_last_seqs, fetch_page
from supmessenger_websocket.delivery import Cursor, Offer, Position
from supmessenger_websocket.events import Reset, build_frame, build_text_frame
from supmessenger_websocket.limits import Limits
from supmessenger_websocket.subscriptions import Subscriptions

if TYPE_CHECKING:
    from supmessenger_common.messages.model import Message

log = get_logger("hub")

DELIVERED = Counter("websocket_messages_delivered_total", "Messages queued for a socket.")
HEALED = Counter(
    "websocket_messages_healed_total", "Messages read from the database after a lost hint."
)
# A catching-up room lets the loop write between pieces of this size.
PIECE_BYTES = 128 * 1024
PIECE_PAUSE_SECONDS = 0.02


class Member(Protocol):
    """A connection as a room sees it."""

    @property
    def device_id(self) -> UUID:
        """The device that is connected."""

    def send(self, frame: bytes) -> None:
        """Queue one frame."""


class Room:
    """One chat with members here."""

    __slots__ = ("channel", "chat", "cursors", "filling", "position", "started", "tags")

    def __init__(self, chat: UUID, channel: str) -> None:
        self.chat = chat
        self.channel = channel
        self.position = Position()
        self.cursors: dict[Member, Cursor] = {}
        self.filling: asyncio.Task[None] | None = None
        self.started: asyncio.Future[None] | None = None

    def deliver(self, seq: int, shared: bytes, recipients: Sequence[HintRecipient]) -> None:
        """Queue one message for every live member: one encoding for all without an own part."""
        frame = build_text_frame(shared)
        own = self._build_own(shared, recipients) if recipients else {}
        count = 0
        for member, cursor in self.cursors.items():
            if cursor.take_live(seq):
                member.send(own.get(member.device_id, frame) if own else frame)
                count += 1
        DELIVERED.inc(count)

    def _build_own(self, shared: bytes, recipients: Sequence[HintRecipient]) -> dict[UUID, bytes]:
        here = self.devices
        return {
            device: build_text_frame(build_device_event(shared, item))
            for item in recipients
            if (device := UUID(item.deviceId)) in here
        }

    @property
    def devices(self) -> set[UUID]:
        """The devices of the members here."""
        return {member.device_id for member in self.cursors}

    def broadcast(self, payload: bytes) -> None:
        """Queue an event that has no place in the order for every member."""
        frame = build_text_frame(payload)
        for member in self.cursors:
            member.send(frame)


class Hub:
    """All rooms of this process."""

    def __init__(
        self, pool: Pool, subscriptions: Subscriptions, *, instance: str, limits: Limits
    ) -> None:
        self._pool = pool
        self._subscriptions = subscriptions
        self._instance = instance
        self._limits = limits
        self.rooms: dict[UUID, Room] = {}

    async def join(self, member: Member, cursors: dict[UUID, Cursor]) -> None:
        """Put a member into rooms; on return each room knows its place and gets hints."""
        rooms = []
        for chat, cursor in cursors.items():
            room = self.rooms.get(chat)
            if room is None:
                room = self.rooms[chat] = Room(chat, build_chat_channel(self._instance, chat))
            room.cursors[member] = cursor
            rooms.append(room)
        await self._start([room for room in rooms if room.started is None])
        for room in rooms:
            if room.started is not None:
                await asyncio.shield(room.started)

    def leave(self, member: Member, chats: Collection[UUID]) -> None:
        """Take a member out of rooms; empty rooms close."""
        for chat in chats:
            room = self.rooms.get(chat)
            if room is None or member not in room.cursors:
                continue
            del room.cursors[member]
            if not room.cursors:
                self._close(room)

    def note_stored(self, chat: UUID, seq: int) -> None:
        """A message was stored from here: while hints can't arrive, this is one."""
        room = self.rooms.get(chat)
        if room is not None and not self._subscriptions.connected:
            self.note_known(room, seq)

    def note_known(self, room: Room, seq: int) -> None:
        """A message is known to exist: read it unless it was let through."""
        room.position.wanted = max(room.position.wanted, seq)
        self.start_gap(room)

    def start_gap(self, room: Room) -> None:
        """Read what a room is behind, unless it is being read."""
        if room.position.behind and room.filling is None:
            room.filling = asyncio.create_task(self._fill(room))

    def reset(self, room: Room, last_seq: int) -> None:
        """The database went back behind what was sent (a restore): members must reload."""
        log.warning("chat went back", chat=str(room.chat), last_seq=last_seq)
        room.position = Position()
        room.position.start(last_seq)
        frame = build_frame(Reset(chat=room.chat, seq=last_seq))
        for member, cursor in room.cursors.items():
            cursor.delivered = min(cursor.delivered, last_seq)
            member.send(frame)

    async def close(self) -> None:
        """End what is being read."""
        await stop_background(
            [room.filling for room in self.rooms.values() if room.filling is not None]
        )

    async def _start(self, rooms: list[Room]) -> None:
        if not rooms:
            return
        started = asyncio.get_running_loop().create_future()
        for room in rooms:
            room.started = started
        try:
            await self._subscriptions.add({room.channel: self._take(room) for room in rooms})
            # Read after the subscription: what is stored later is announced or healed.
            seqs = await fetch_last_seqs(self._pool, [room.chat for room in rooms])
        except BaseException:
            for room in rooms:
                room.started = None
            # For those who wait for the same rooms; nobody may, so it counts as seen.
            started.set_exception(ConnectionError("the chats could not be opened"))
            started.exception()
            raise
        for room in rooms:
            room.position.start(seqs.get(room.chat, 0))
            self.start_gap(room)
        started.set_result(None)

    def _close(self, room: Room) -> None:
        del self.rooms[room.chat]
        self._subscriptions.discard([room.channel])
        if room.filling is not None:
            room.filling.cancel()

    def _take(self, room: Room) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            hint = parse_hint(data)
            if hint.type != "message":
                room.broadcast(data)
                return
            offer = room.position.offer(hint.seq)
            if offer is Offer.DELIVER:
                shared = build_shared_event(data) if hint.recipients else data
                room.deliver(hint.seq, shared, hint.recipients)
            elif offer is Offer.GAP:
                self.start_gap(room)

        return take

    async def _fill(self, room: Room) -> None:
        position = room.position
        try:
            while position.behind and position is room.position:
                await self._fill_page(room, position)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The next round of healing tries again.
            log.warning("chat could not be healed", chat=str(room.chat), error=str(error))
        finally:
            room.filling = None

    async def _fill_page(self, room: Room, position: Position) -> None:
        known, limit = position.wanted, self._limits.replay_page
        devices: set[UUID] = set()
        page = StoredPage(messages=[], recipients={})
        # Who joined while the page was read could go live on it: it must hold their parts too.
        while not page.messages or not room.devices <= devices:
            devices = room.devices
            page = await fetch_page(
                self._pool, room.chat, after=position.delivered, limit=limit, devices=devices
            )
            if not page.messages:
                break
        written = 0
        for message in page.messages:
            if position is room.position and position.accept_stored(message.seq):
                written += self._deliver_stored(room, message, page.recipients.get(message.id, ()))
                HEALED.inc()
            if written > PIECE_BYTES:
                await asyncio.sleep(PIECE_PAUSE_SECONDS)
                written = 0
        if len(page.messages) < limit:
            position.accept_end(known)

    def _deliver_stored(
        self, room: Room, message: "Message", recipients: Sequence[HintRecipient]
    ) -> int:
        shared = build_message_event(message)
        room.deliver(message.seq, shared, recipients)
        return len(shared)
