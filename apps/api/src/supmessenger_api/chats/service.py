"""Creates and shows chats."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from supmessenger_api.chats import repository
from supmessenger_api.chats.schemas import Chat, Chats, Member, NewChat
from supmessenger_api.users.service import build_user_unknown
from supmessenger_common.auth import Principal
from supmessenger_common.database import Pool
from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.identifiers import create_id
from supmessenger_common.messages.events import build_chat_event
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.store import build_blocked, build_not_a_member


@dataclass(frozen=True)
class ChatService:
    """Direct chats and the list of all."""

    pool: Pool
    publisher: Publisher

    async def create(
        self, principal: Principal, new: NewChat, *, now: datetime
    ) -> tuple[Chat, bool]:
        """Return the direct chat of the caller and one other, and whether it is new.

        Raises 404 `user_unknown`, 403 `blocked`, 422 `members_refused`.
        """
        peer_id = find_peer(new.member_ids, principal.user_id)
        if not await repository.is_active(self.pool, peer_id):
            raise build_user_unknown()
        if await repository.is_blocked(self.pool, principal.user_id, peer_id):
            raise build_blocked()
        chat = repository.DirectChat(
            id=create_id(),
            key=compute_direct_key(principal.user_id, peer_id),
            creator_id=principal.user_id,
            peer_id=peer_id,
            created_at=now,
        )
        async with self.pool.acquire() as connection:
            async with connection.transaction():
                created = await repository.insert_direct(connection, chat)
            chat_id = chat.id if created else await repository.find_direct(connection, chat.key)
        if created:
            for user_id in (principal.user_id, peer_id):
                await self.publisher.publish_user(user_id, build_chat_event(chat_id))
        return await self.get(principal, chat_id), created

    async def get(self, principal: Principal, chat_id: UUID) -> Chat:
        """Return a chat of the caller's; raises 403 `not_a_member`."""
        row = await repository.find_chat(self.pool, chat_id, user_id=principal.user_id)
        if row is None:
            raise build_not_a_member()
        return _build_chat(row)

    async def list_chats(self, principal: Principal, *, after: UUID | None, limit: int) -> Chats:
        """Return a page of the caller's chats."""
        rows = await repository.fetch_chats(
            self.pool, principal.user_id, after=after, limit=limit + 1
        )
        page = [_build_chat(row) for row in rows[:limit]]
        return Chats(chats=page, next_cursor=page[-1].id if len(rows) > limit else None)


def find_peer(member_ids: list[UUID], user_id: UUID) -> UUID:
    """Return the one other member; naming oneself too is allowed. Raises 422."""
    others = set(member_ids) - {user_id}
    if len(others) != 1:
        raise PlatformError(
            422,
            "members_refused",
            "A direct chat has exactly one other member.",
            errors=(FieldError("memberIds", "must name one other user"),),
        )
    return others.pop()


def compute_direct_key(first: UUID, second: UUID) -> str:
    """Return the key that a pair has in common."""
    return ":".join(sorted((str(first), str(second))))


def _build_chat(row: asyncpg.Record) -> Chat:
    pairs = zip(row["member_ids"], row["member_roles"], strict=True)
    return Chat(
        id=row["id"],
        type=row["type"],
        title=row["title"],
        members=[Member(user_id=user_id, role=role) for user_id, role in pairs],
        last_seq=row["last_seq"],
        last_read_seq=row["last_read_seq"],
        created_at=row["created_at"],
    )
