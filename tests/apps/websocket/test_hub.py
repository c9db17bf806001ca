"""How a room hands a message to its members."""

import json
from uuid import UUID

from supmessenger_common.messages.events import HintRecipient
from supmessenger_websocket.delivery import Cursor
from supmessenger_websocket.hub import Room

CHAT = UUID(int=1)
SHARED = b'{"type":"message","chat":"c","seq":5}'


class Member:
    """A connection that remembers what it was sent."""

    def __init__(self, device: int) -> None:
        self.device_id = UUID(int=device)
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    @property
    def payloads(self) -> list[dict[str, object]]:
        return [json.loads(frame[frame.index(b"{") :]) for frame in self.frames]


def make_room(*members: Member, live: bool = True, after: int = 4) -> Room:
    room = Room(CHAT, "channel")
    for member in members:
        cursor = room.cursors[member] = Cursor(after)
        cursor.live = live
    return room


def test_members_get_one_and_the_same_bytes() -> None:
    members = [Member(number) for number in range(50)]
    make_room(*members).deliver(5, SHARED, ())
    assert len({id(member.frames[0]) for member in members}) == 1
    assert members[0].payloads == [json.loads(SHARED)]


def test_a_repeated_message_is_not_sent_again() -> None:
    member = Member(1)
    room = make_room(member)
    room.deliver(5, SHARED, ())
    room.deliver(5, SHARED, ())
    assert len(member.frames) == 1


def test_who_replays_or_has_the_message_already_gets_nothing() -> None:
    replaying, ahead = Member(1), Member(2)
    make_room(replaying, live=False).deliver(5, SHARED, ())
    make_room(ahead, after=5).deliver(5, SHARED, ())
    assert (replaying.frames, ahead.frames) == ([], [])


def test_a_device_gets_its_own_part_and_others_the_shared_bytes() -> None:
    own, other, third = Member(1), Member(2), Member(3)
    recipients = [
        HintRecipient(deviceId=str(UUID(int=number)), type=3, ciphertext=f"for {number}")
        for number in (1, 99)
    ]
    make_room(own, other, third).deliver(5, SHARED, recipients)
    assert own.payloads[0]["recipient"] == {
        "deviceId": str(own.device_id),
        "type": 3,
        "ciphertext": "for 1",
    }
    assert other.frames[0] is third.frames[0]
    assert "recipient" not in other.payloads[0]


def test_events_without_a_place_reach_everybody() -> None:
    live, replaying = Member(1), Member(2)
    room = make_room(live)
    room.cursors[replaying] = Cursor(0)
    room.broadcast(b'{"type":"typing"}')
    assert live.frames == replaying.frames
    assert live.payloads == [{"type": "typing"}]
