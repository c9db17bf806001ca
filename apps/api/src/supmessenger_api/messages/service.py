"""Sends, reads and marks messages over HTTP, by the path the sockets use too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supmessenger_api.messages.paging import HistoryRange, cut_page
from supmessenger_api.messages.schemas import DeviceCiphertext, NewMessage
from supmessenger_common.auth import Principal
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id
from supmessenger_common.messages import model
from supmessenger_common.messages.events import build_read_event
from supmessenger_common.messages.history import Viewer, fetch_after, fetch_before
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.reads import advance_read
from supmessenger_common.messages.send import send_message
from supmessenger_common.messages.trails import NO_TRAILS, Trails


@dataclass(frozen=True)
class MessageService:
    """Messages of the caller's chats."""

    pool: Pool
    publisher: Publisher
    trails: Trails = NO_TRAILS

    async def send(
        self, principal: Principal, chat_id: UUID, new: NewMessage, *, now: datetime
    ) -> model.StoredMessage:
        """Store and announce a message; raises what `store_message` raises."""
        message = model.NewMessage(
            id=create_id(),
            chat_id=chat_id,
            sender_id=principal.user_id,
            sender_device_id=principal.device_id,
            client_msg_id=new.client_msg_id,
            content_type=new.content_type,
            content=new.content,
            sent_at=now,
            reply_to=new.reply_to,
            recipients=build_recipients(new.recipients),
        )
        return await send_message(self.pool, self.publisher, message, trails=self.trails)

    async def read_history(
        self, principal: Principal, chat_id: UUID, wanted: HistoryRange
    ) -> tuple[Sequence[model.Message], int | None]:
        """Return a page of the history, ascending, and the cursor of the next."""
        viewer = Viewer(user_id=principal.user_id, device_id=principal.device_id)
        limit = wanted.limit + 1
        if wanted.after is not None:
            found = await fetch_after(
                self.pool,
                chat_id,
                viewer=viewer,
                after=wanted.after,
                before=wanted.before,
                limit=limit,
            )
        else:
            found = await fetch_before(
                self.pool, chat_id, viewer=viewer, before=wanted.before, limit=limit
            )
        return cut_page(found, wanted)

    async def mark_read(
        self, principal: Principal, chat_id: UUID, seq: int, *, now: datetime
    ) -> int:
        """Move the caller's read pointer and tell the peers; returns where it stands."""
        user_id = principal.user_id
        pointer = await advance_read(self.pool, chat_id, user_id=user_id, seq=seq, now=now)
        if pointer.advanced:
            event = build_read_event(chat_id, user_id, pointer.seq)
            await self.publisher.publish_chat(chat_id, event)
        return pointer.seq


def build_recipients(
    entries: list[DeviceCiphertext] | None,
) -> tuple[model.Recipient, ...] | None:
    """Return the single-device ciphertexts."""
    if entries is None:
        return None
    return tuple(
        model.Recipient(device_id=entry.device_id, type=entry.type, ciphertext=entry.ciphertext)
        for entry in entries
    )
