"""Who is connected here, and what is told to a user or a session on all processes."""

from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import (
    Publisher,
    build_session_channel,
    build_user_channel,
)
from supmessenger_websocket.connection import REPLACED, SESSION_REVOKED, Connection
from supmessenger_websocket.events import Chat, build_frame, build_payload
from supmessenger_websocket.subscriptions import Handler, Subscriptions

log = get_logger("people")


class UserHint(msgspec.Struct, frozen=True):
    """What comes on a user's channel: `chat`, or `connected` from another socket process."""

    type: str
    chat: UUID | None = None
    device: UUID | None = None
    connection: UUID | None = None


_decoder = msgspec.json.Decoder(UserHint)


class People:
    """Connections by user, device and session."""

    def __init__(
        self, subscriptions: Subscriptions, publisher: Publisher, *, instance: str
    ) -> None:
        self._subscriptions = subscriptions
        self._publisher = publisher
        self._instance = instance
        self.users: dict[UUID, set[Connection]] = {}
        self.sessions: dict[UUID, set[Connection]] = {}
        self.devices: dict[UUID, Connection] = {}

    async def enter(self, connection: Connection) -> None:
        """Register an authenticated connection and close the device's older one, wherever."""
        principal = connection.authenticated
        older = self.devices.get(principal.device_id)
        if older is not None and older is not connection:
            older.close(REPLACED, "replaced by a newer socket of this device")
        self.devices[principal.device_id] = connection
        self.users.setdefault(principal.user_id, set()).add(connection)
        self.sessions.setdefault(principal.session_id, set()).add(connection)
        await self._subscriptions.add(self._build_channels(connection))
        hint = UserHint(type="connected", device=principal.device_id, connection=connection.id)
        await self._publisher.publish_user(principal.user_id, build_payload(hint))

    def leave(self, connection: Connection) -> None:
        """Forget a connection; channels nobody here needs are given up."""
        principal = connection.principal
        if principal is None:
            return
        if self.devices.get(principal.device_id) is connection:
            del self.devices[principal.device_id]
        if _remove(self.users, principal.user_id, connection):
            self._subscriptions.discard([build_user_channel(self._instance, principal.user_id)])
        if _remove(self.sessions, principal.session_id, connection):
            self._subscriptions.discard(
                [build_session_channel(self._instance, principal.session_id)]
            )

    def end_sessions(self, sessions: Iterable[UUID]) -> None:
        """Close the sockets of sessions that were ended."""
        for session in sessions:
            for connection in list(self.sessions.get(session, ())):
                connection.close(SESSION_REVOKED, "session ended")

    def announce_chat(self, user: UUID, chat: UUID) -> None:
        """Tell the sockets of a user about a chat and let them follow it."""
        frame = build_frame(Chat(chat=chat))
        for connection in self.users.get(user, ()):
            if connection.ready:
                connection.send(frame)
            if connection.resumed:
                connection.follow(chat)

    def _build_channels(self, connection: Connection) -> dict[str, Handler]:
        principal = connection.authenticated
        return {
            build_user_channel(self._instance, principal.user_id): self._take_user(
                principal.user_id
            ),
            build_session_channel(self._instance, principal.session_id): self._take_session(
                principal.session_id
            ),
        }

    def _take_user(self, user: UUID) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            hint = _decoder.decode(data)
            if hint.type == "chat" and hint.chat is not None:
                self.announce_chat(user, hint.chat)
            elif hint.type == "connected" and hint.device is not None:
                self._note_connected(hint.device, hint.connection)

        return take

    def _take_session(self, session: UUID) -> Callable[[bytes], None]:
        def take(data: bytes) -> None:
            if _decoder.decode(data).type == "revoked":
                self.end_sessions([session])

        return take

    def _note_connected(self, device: UUID, newest: UUID | None) -> None:
        # A channel has one order for all: whoever is announced after oneself is newer.
        connection = self.devices.get(device)
        if connection is None:
            return
        if connection.id == newest:
            connection.announced = True
        elif connection.announced:
            connection.close(REPLACED, "replaced by a newer socket of this device")


def _remove(table: dict[UUID, set[Connection]], key: UUID, connection: Connection) -> bool:
    members = table.get(key)
    if members is None:
        return False
    members.discard(connection)
    if members:
        return False
    del table[key]
    return True
