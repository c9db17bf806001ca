"""The JSON of live events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_common.identifiers import create_id, encode_bytes
from supmessenger_common.messages.events import (
    build_chat_event,
    build_device_event,
    build_message_event,
    build_message_hint,
    build_read_event,
    build_shared_event,
    build_typing_event,
    parse_hint,
)
from supmessenger_common.messages.model import Message, NewMessage, Recipient, StoredMessage

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NEW = NewMessage(
    id=create_id(),
    chat_id=create_id(),
    sender_id=create_id(),
    sender_device_id=create_id(),
    client_msg_id=create_id(),
    content_type="text/plain",
    content="hello",
    sent_at=NOW,
)
STORED = StoredMessage(
    id=NEW.id, chat_id=NEW.chat_id, seq=12, sent_at=NOW, chat_type="direct", repeated=False
)


def build_read_back(new: NewMessage, recipient: Recipient | None) -> Message:
    """The message as the history gives it to one device."""
    return Message(
        id=new.id,
        chat_id=new.chat_id,
        seq=STORED.seq,
        sender_id=new.sender_id,
        sender_device_id=new.sender_device_id,
        sent_at=NOW,
        content_type=new.content_type,
        content=new.content,
        reply_to=new.reply_to,
        recipient=recipient,
    )


def test_a_message_event_has_the_shape_of_the_contract() -> None:
    assert orjson.loads(build_message_hint(NEW, STORED)) == {
        "type": "message",
        "chat": str(NEW.chat_id),
        "seq": 12,
        "id": str(NEW.id),
        "sender": str(NEW.sender_id),
        "senderDevice": str(NEW.sender_device_id),
        "sentAt": "2026-01-31T12:00:00.000Z",
        "contentType": "text/plain",
        "content": "hello",
    }


def test_live_and_resumed_messages_are_the_same_bytes() -> None:
    new = replace(NEW, reply_to=create_id())
    assert build_message_hint(new, STORED) == build_message_event(build_read_back(new, None))


recipients = st.builds(
    Recipient,
    device_id=st.uuids(),
    type=st.integers(0, 7),
    ciphertext=st.binary(min_size=1, max_size=50),
)


@given(content=st.text(), entries=st.lists(recipients, min_size=1, max_size=4))
def test_each_device_gets_the_event_the_history_would_give_it(
    content: str, entries: list[Recipient]
) -> None:
    new = replace(NEW, content=content, recipients=tuple(entries))
    published = build_message_hint(new, STORED)
    shared = build_shared_event(published)
    assert shared == build_message_event(build_read_back(new, None))
    hint = parse_hint(published)
    assert (hint.type, hint.chat, hint.seq) == ("message", str(new.chat_id), 12)
    for entry, recipient in zip(entries, hint.recipients, strict=True):
        assert recipient.deviceId == str(entry.device_id)
        expected = build_message_event(build_read_back(new, entry))
        assert build_device_event(shared, recipient) == expected


def test_content_that_looks_like_recipients_is_left_alone() -> None:
    tricky = replace(NEW, content='","recipients":[{"deviceId":"x"}]}')
    published = build_message_hint(tricky, STORED)
    assert build_shared_event(published) == published
    assert parse_hint(published).recipients == ()
    entry = Recipient(device_id=create_id(), type=3, ciphertext=b"x")
    both = build_message_hint(replace(tricky, recipients=(entry,)), STORED)
    assert build_shared_event(both) == published


def test_small_events_have_the_shape_of_the_contract() -> None:
    chat, user = create_id(), create_id()
    assert orjson.loads(build_read_event(chat, user, 3)) == {
        "type": "read",
        "chat": str(chat),
        "user": str(user),
        "seq": 3,
    }
    assert orjson.loads(build_typing_event(chat, user, active=False)) == {
        "type": "typing",
        "chat": str(chat),
        "user": str(user),
        "active": False,
    }
    assert orjson.loads(build_chat_event(chat)) == {"type": "chat", "chat": str(chat)}
    assert parse_hint(build_read_event(chat, user, 3)).user == str(user)


def test_ciphertexts_are_base64url() -> None:
    entry = Recipient(device_id=create_id(), type=3, ciphertext=b"\xfb\xff")
    event = orjson.loads(build_message_event(build_read_back(NEW, entry)))
    assert event["recipient"] == {
        "deviceId": str(entry.device_id),
        "type": 3,
        "ciphertext": encode_bytes(b"\xfb\xff"),
    }


@pytest.mark.parametrize("data", [b"", b"[]", b'{"seq":1}', b'{"type":"x","seq":"y"}'])
def test_what_is_no_event_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an event"):
        parse_hint(data)
