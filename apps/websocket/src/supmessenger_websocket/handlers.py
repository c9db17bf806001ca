"""What each client frame does."""

from collections.abc import Awaitable, Callable
from typing import Any

from supmessenger_common.errors import PlatformError, build_unavailable
from supmessenger_common.identifiers import format_time
from supmessenger_common.log import get_logger
from supmessenger_common.messages.events import build_read_event, build_typing_event
from supmessenger_common.messages.reads import advance_read
from supmessenger_common.messages.send import send_message
from supmessenger_common.messages.store import build_not_a_member
from supmessenger_common.unavailable import is_unavailable
from supmessenger_websocket.chats import fetch_acquaintances, fetch_is_member
from supmessenger_websocket.connection import (
    NOT_AUTHENTICATED,
    SESSION_REVOKED,
    TRY_LATER,
    Connection,
    FollowChat,
    Work,
)
from supmessenger_websocket.context import Context
from supmessenger_websocket.events import (
    Error,
    Ok,
    Pong,
    Ready,
    Sent,
)
from supmessenger_websocket.following import follow_chat, resume
from supmessenger_websocket.frames import (
    AuthFrame,
    PingFrame,
    PresenceFrame,
    ReadFrame,
    ResumeFrame,
    SendFrame,
    TypingFrame,
)
from supmessenger_websocket.outgoing import parse_new_message

log = get_logger("handlers")


async def handle_work(context: Context, connection: Connection, work: Work) -> None:
    """Handle one frame; refusals are answered, only bugs escape."""
    if not connection.ready and not isinstance(work, AuthFrame):
        connection.close(NOT_AUTHENTICATED, "authenticate first")
        return
    try:
        await _HANDLERS[type(work)](context, connection, work)
    except PlatformError as error:
        _refuse(connection, error, ref=_read_ref(work))
    except Exception as error:
        if not is_unavailable(error):
            raise
        log.warning("frame could not be handled now", error=repr(error))
        if not isinstance(work, FollowChat):
            _refuse(connection, build_unavailable(), ref=_read_ref(work))
        if not connection.ready:
            connection.close(TRY_LATER, "try again later")


async def _authenticate(context: Context, connection: Connection, frame: AuthFrame) -> None:
    now = context.read_clock()
    try:
        principal = context.tokens.verify(frame.token, now=now)
        before = connection.principal
        if before is not None and before.session_id != principal.session_id:
            raise PlatformError(403, "other_session", "This socket belongs to another session.")
        if before is None:
            connection.identify(principal, now=now)
            # Listening comes before the look-up, so that no revocation falls in between.
            await context.people.enter(connection)
        await context.sessions.check(principal, now=now)
    except PlatformError as error:
        _refuse(connection, error, ref=frame.ref)
        revoked = error.code == "session_revoked"
        connection.close(SESSION_REVOKED if revoked else NOT_AUTHENTICATED, error.code)
        return
    connection.identify(principal, now=now)
    if not connection.open:
        return
    connection.ready = True
    connection.answer(
        Ready(
            ref=frame.ref,
            user=principal.user_id,
            device=principal.device_id,
            session=principal.session_id,
            server_time=format_time(now),
            heartbeat_seconds=int(context.limits.ping_seconds),
        )
    )
    context.attendance.arrive(connection, principal.user_id)
    context.devices.arrive(connection, principal.device_id)


async def _send(context: Context, connection: Connection, frame: SendFrame) -> None:
    principal = connection.authenticated
    message = parse_new_message(frame, principal, now=context.read_clock())
    stored = await send_message(context.pool, context.publisher, message, trails=context.trails)
    connection.answer(
        Sent(
            ref=frame.ref,
            chat=stored.chat_id,
            seq=stored.seq,
            id=stored.id,
            sent_at=format_time(stored.sent_at),
        )
    )
    context.hub.note_stored(stored.chat_id, stored.seq)


async def _type(context: Context, connection: Connection, frame: TypingFrame) -> None:
    if not connection.typing.take(connection.time()):
        return
    user = connection.authenticated.user_id
    # Who follows a chat was found to be a member then; that is enough for this.
    if frame.chat not in connection.cursors and not await fetch_is_member(
        context.pool, frame.chat, user=user
    ):
        raise build_not_a_member()
    event = build_typing_event(frame.chat, user, active=frame.active)
    await context.publisher.publish_chat(frame.chat, event)


async def _read(context: Context, connection: Connection, frame: ReadFrame) -> None:
    user, now = connection.authenticated.user_id, context.read_clock()
    pointer = await advance_read(context.pool, frame.chat, user_id=user, seq=frame.seq, now=now)
    connection.answer(Ok(ref=frame.ref))
    if pointer.advanced:
        event = build_read_event(frame.chat, user, pointer.seq)
        await context.publisher.publish_chat(frame.chat, event)


async def _watch(context: Context, connection: Connection, frame: PresenceFrame) -> None:
    wanted = set(frame.users)
    if len(wanted) > context.limits.presence_users:
        raise PlatformError(
            422, "too_many", f"At most {context.limits.presence_users} people at once."
        )
    user = connection.authenticated.user_id
    if wanted - await fetch_acquaintances(context.pool, user, among=wanted):
        raise PlatformError(403, "not_acquainted", "You share no chat with some of these people.")
    context.watching.unwatch(connection, connection.watched - wanted)
    connection.watched = wanted
    connection.answer(Ok(ref=frame.ref))
    await context.watching.watch(connection, wanted, now=context.read_clock())


async def _ping(_: Context, connection: Connection, frame: PingFrame) -> None:
    connection.answer(Pong(ref=frame.ref))


_HANDLERS: dict[type[Any], Callable[[Context, Connection, Any], Awaitable[None]]] = {
    AuthFrame: _authenticate,
    ResumeFrame: resume,
    SendFrame: _send,
    TypingFrame: _type,
    ReadFrame: _read,
    PresenceFrame: _watch,
    PingFrame: _ping,
    FollowChat: follow_chat,
}


def _refuse(connection: Connection, error: PlatformError, *, ref: int | None) -> None:
    connection.answer(
        Error(
            ref=ref,
            code=error.code,
            title=error.title,
            detail=error.detail,
            missing=error.extra.get("missing"),
            extra=error.extra.get("extra"),
        )
    )


def _read_ref(work: Work) -> int | None:
    return None if isinstance(work, FollowChat | TypingFrame) else work.ref
