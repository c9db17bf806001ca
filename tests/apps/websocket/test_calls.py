"""News of a call reach every device of the chat's members, and nobody else."""

import json

import pytest
from support.socket_service import Sockets

from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call, Stay
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.messages.publish import Publisher

pytestmark = pytest.mark.services


async def test_a_call_is_told_to_members_only(sockets: Sockets, publisher: Publisher) -> None:
    anna, bert, chat = await sockets.register_pair()
    members = [await sockets.log_in(person) for person in (anna, bert)]
    stranger = await sockets.log_in(await sockets.register("carol"))
    now = read_clock()
    call = Call(
        id=create_id(),
        chat_id=chat,
        kind="audio",
        status="active",
        room="the-room",
        initiator_id=anna.user_id,
        started_at=now,
        answered_at=now,
        ended_at=None,
        stays=(Stay(bert.user_id, bert.device_id, now, None),),
    )
    event = build_call_event(call)
    await publisher.publish_chat(chat, event)
    for member in members:
        assert await member.receive("call") == json.loads(event)
    await stranger.sync()
    assert stranger.unread == []
    # Where the media server keeps it is nobody's business.
    assert b"the-room" not in event
