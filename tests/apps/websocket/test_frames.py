"""Client frames: what is read, and how each kind of nonsense is answered."""

import json
from uuid import UUID

import msgspec
import pytest

from supmessenger_websocket.events import Message, Pong, build_frame, build_text_frame
from supmessenger_websocket.frames import (
    AuthFrame,
    FrameError,
    PingFrame,
    ResumeFrame,
    SendFrame,
    parse_frame,
)

CHAT = "0190a0a0-0000-7000-8000-000000000001"


def test_auth_carries_token_and_ref() -> None:
    assert parse_frame('{"type":"auth","ref":1,"token":"t"}') == AuthFrame(token="t", ref=1)


def test_ref_may_be_left_out() -> None:
    assert parse_frame('{"type":"ping"}') == PingFrame()


def test_unknown_fields_are_for_later_versions() -> None:
    assert parse_frame('{"type":"ping","ref":2,"future":true}') == PingFrame(ref=2)


def test_resume_lists_chats_with_their_seq() -> None:
    frame = parse_frame(json.dumps({"type": "resume", "chats": [{"chat": CHAT, "seq": 12}]}))
    assert isinstance(frame, ResumeFrame)
    assert (frame.chats[0].chat, frame.chats[0].seq) == (UUID(CHAT), 12)


def test_send_reads_camel_case_and_recipients() -> None:
    frame = parse_frame(
        json.dumps(
            {
                "type": "send",
                "chat": CHAT,
                "clientMsgId": CHAT,
                "contentType": "text",
                "content": "x",
                "recipients": [{"deviceId": CHAT, "type": 3, "ciphertext": "AA"}],
            }
        )
    )
    assert isinstance(frame, SendFrame)
    assert frame.recipients is not None
    assert frame.recipients[0].type == 3


@pytest.mark.parametrize(
    ("text", "code", "ref"),
    [
        ("nonsense", "invalid_json", None),
        ("[1]", "invalid_json", None),
        ('{"type":"dance","ref":7}', "unknown_type", 7),
        ('{"ref":7}', "unknown_type", 7),
        ('{"type":"auth","ref":7}', "invalid_frame", 7),
        ('{"type":"auth","ref":true,"token":"t"}', "invalid_frame", None),
        ('{"type":"read","ref":7,"chat":"x","seq":1}', "invalid_frame", 7),
        ('{"type":"read","ref":7,"chat":"' + CHAT + '","seq":-1}', "invalid_frame", 7),
        ('{"type":["auth"],"ref":7}', "unknown_type", 7),
        ('{"type":"ping","ref":' + "9" * 30 + "}", "invalid_frame", None),
        ('{"type":"ping","x":' + "[" * 50_000, "invalid_json", None),
    ],
)
def test_nonsense_is_told_apart_and_keeps_its_ref(text: str, code: str, ref: int | None) -> None:
    with pytest.raises(FrameError) as caught:
        parse_frame(text)
    assert (caught.value.code, caught.value.ref) == (code, ref)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_server_frames_are_whole_unmasked_text_frames(size: int) -> None:
    frame = build_text_frame(b"x" * size)
    assert frame[0] == 0x81
    assert frame[1] & 0x80 == 0
    assert frame.endswith(b"x" * size)
    header = 2 if size < 126 else 4 if size < 65536 else 10
    assert len(frame) == header + size


def test_fields_without_a_value_are_left_out() -> None:
    assert build_frame(Pong())[2:] == b'{"type":"pong"}'
    assert build_frame(Pong(ref=6))[2:] == b'{"type":"pong","ref":6}'


def test_a_message_of_an_erased_account_keeps_its_null_sender() -> None:
    text = json.dumps(
        {
            "type": "message",
            "chat": CHAT,
            "seq": 1,
            "id": CHAT,
            "sender": None,
            "senderDevice": None,
            "sentAt": "2026-01-01T00:00:00.000Z",
            "contentType": "text",
            "content": "",
        }
    )
    message = msgspec.json.decode(text, type=Message)
    assert message.sender is None
    assert json.loads(build_frame(message)[4:]) == json.loads(text)
