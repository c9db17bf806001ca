"""Following chats: resume, and chats the user comes into while connected."""

from collections.abc import Iterable
from uuid import UUID

from supmessenger_common.errors import PlatformError
from supmessenger_websocket.chats import fetch_own_chats
from supmessenger_websocket.connection import Connection, FollowChat
from supmessenger_websocket.context import Context
from supmessenger_websocket.delivery import Cursor
from supmessenger_websocket.events import Reset, Resumed, ResumedChat
from supmessenger_websocket.frames import ResumeFrame
from supmessenger_websocket.resume import GONE, RESET, Step, plan_chat, plan_resume, replay_chat


async def resume(context: Context, connection: Connection, frame: ResumeFrame) -> None:
    """Bring every chat of the user up to date and follow it."""
    limits = context.limits
    if len(frame.chats) > limits.resume_chats:
        raise PlatformError(422, "too_many", f"At most {limits.resume_chats} chats at once.")
    chats = await fetch_own_chats(context.pool, connection.authenticated.user_id)
    steps = plan_resume(frame.chats, chats, limit=limits.replay_messages)
    leave_chats(context, connection, connection.cursors.keys() - chats.keys())
    results = await _follow(context, connection, steps)
    connection.resumed = True
    connection.answer(
        Resumed(ref=frame.ref, chats=[results[step.chat] for step in steps if step.asked])
    )


async def _follow(
    context: Context, connection: Connection, steps: list[Step]
) -> dict[UUID, ResumedChat]:
    """Join the rooms of these steps and replay what they miss."""
    own = [step for step in steps if step.status != GONE]
    cursors = {step.chat: Cursor(step.after) for step in own}
    connection.cursors.update(cursors)
    results = {step.chat: ResumedChat(step.chat, GONE, 0) for step in steps}
    try:
        await context.hub.join(connection, cursors)
        for step in own:
            results[step.chat] = await _replay(context, connection, step)
    except BaseException:
        # Half a resume must not look like a whole one: the client asks again.
        leave_chats(context, connection, cursors.keys())
        raise
    return results


async def _replay(context: Context, connection: Connection, step: Step) -> ResumedChat:
    cursor = connection.cursors[step.chat]
    room = context.hub.rooms[step.chat]
    # The database was asked: what it has and the room has not is a hint like any other.
    context.hub.note_known(room, step.last_seq)
    try:
        await replay_chat(
            context.pool,
            connection,
            step.chat,
            cursor=cursor,
            stage=room,
            limits=context.limits,
        )
    except PlatformError:
        leave_chats(context, connection, [step.chat])
        return ResumedChat(step.chat, GONE, 0)
    return ResumedChat(step.chat, step.status, cursor.delivered)


def leave_chats(context: Context, connection: Connection, chats: Iterable[UUID]) -> None:
    """Stop following chats."""
    chats = list(chats)
    context.hub.leave(connection, chats)
    for chat in chats:
        connection.cursors.pop(chat, None)


async def follow_chat(context: Context, connection: Connection, work: FollowChat) -> None:
    """Follow one chat more, from what the user has read of it."""
    if work.chat in connection.cursors:
        return
    user = connection.authenticated.user_id
    chats = await fetch_own_chats(context.pool, user, chat=work.chat)
    if work.chat not in chats:
        return
    chat = chats[work.chat]
    step = plan_chat(chat, chat.last_read_seq, limit=context.limits.replay_messages)
    if step.status == RESET:
        connection.answer(Reset(chat=chat.chat, seq=step.after))
    await _follow(context, connection, [step])
