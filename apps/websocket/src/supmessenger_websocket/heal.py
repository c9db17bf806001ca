"""Finds what hints did not tell: every few seconds, and at once after Redis was away."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from supmessenger_common.log import get_logger
from supmessenger_common.unavailable import is_unavailable
from supmessenger_websocket.chats import fetch_last_seqs, fetch_memberships, fetch_revoked
from supmessenger_websocket.connection import Connection
from supmessenger_websocket.context import Context
from supmessenger_websocket.delivery import UNKNOWN
from supmessenger_websocket.following import leave_chats

log = get_logger("heal")

# Ids asked for in one statement.
BATCH = 1_000
# Memberships and sessions change seldom and their hints seldom get lost: every n-th round.
SELDOM = 6

T = TypeVar("T")


class Healer:
    """Compares what was told here with the database."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Hints may have been lost just now: look at everything at once."""
        self._wake.set()

    async def run(self) -> None:
        """Heal for as long as the process runs."""
        count = 0
        while True:
            woken = await self._wait()
            count += 1
            try:
                await self.heal_messages()
                if woken or count % SELDOM == 0:
                    await self.heal_memberships()
                    await self.heal_sessions()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("could not compare with the database", error=repr(error))

    async def heal_messages(self) -> None:
        """Let through what was stored and not delivered."""
        hub = self._context.hub
        for batch in _split(list(hub.rooms)):
            before = {
                chat: hub.rooms[chat].position.delivered for chat in batch if chat in hub.rooms
            }
            seqs = await fetch_last_seqs(self._context.pool, batch)
            for chat, last_seq in seqs.items():
                room, known = hub.rooms.get(chat), before.get(chat, UNKNOWN)
                if room is None or known == UNKNOWN:
                    continue
                if last_seq < known:
                    hub.reset(room, last_seq)
                else:
                    hub.note_known(room, last_seq)

    async def heal_memberships(self) -> None:
        """Follow chats that users came into, leave those they are no longer in."""
        people = self._context.people
        for batch in _split(list(people.users)):
            before = {
                connection: set(connection.cursors) for connection in _gather(people.users, batch)
            }
            memberships = await fetch_memberships(self._context.pool, batch)
            for user, chats in memberships.items():
                connections = [c for c in people.users.get(user, ()) if c in before and c.resumed]
                for connection in connections:
                    gone = (before[connection] & connection.cursors.keys()) - chats
                    leave_chats(self._context, connection, gone)
                followed = [connection.cursors.keys() for connection in connections]
                for chat in chats:
                    if any(chat not in cursors for cursors in followed):
                        people.announce_chat(user, chat)

    async def heal_sessions(self) -> None:
        """Close the sockets of sessions that were ended."""
        people = self._context.people
        for batch in _split(list(people.sessions)):
            people.end_sessions(await fetch_revoked(self._context.pool, batch))

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(self._context.limits.heal_seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True


def _gather(users: dict[UUID, set[Connection]], batch: Iterable[UUID]) -> Iterator[Connection]:
    for user in batch:
        yield from users.get(user, ())


def _split(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
