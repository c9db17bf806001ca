"""Builds the JSON bytes of live events, once for all who receive them."""

from typing import Any
from uuid import UUID

import msgspec
import orjson

from supmessenger_common.identifiers import encode_bytes, format_time
from supmessenger_common.messages.model import Message, NewMessage, Recipient, StoredMessage

_RECIPIENTS_KEY = b',"recipients":['


class Hint(msgspec.Struct, frozen=True):
    """What a socket process must know of a published event: which, where, and for whom."""

    type: str
    chat: str = ""
    seq: int = 0
    user: str = ""
    recipients: tuple["HintRecipient", ...] = ()


class HintRecipient(msgspec.Struct, frozen=True):
    """One device's entry of a published message."""

    deviceId: str
    type: int
    ciphertext: str


_HINT = msgspec.json.Decoder(Hint)


def build_message_fields(message: Message) -> dict[str, Any]:
    """Return a message as the history shows it: the `message` event without `type`."""
    fields: dict[str, Any] = {
        "chat": str(message.chat_id),
        "seq": message.seq,
        "id": str(message.id),
        "sender": _text(message.sender_id),
        "senderDevice": _text(message.sender_device_id),
        "sentAt": format_time(message.sent_at),
        "contentType": message.content_type,
        "content": message.content,
    }
    if message.reply_to is not None:
        fields["replyTo"] = str(message.reply_to)
    if message.recipient is not None:
        fields["recipient"] = _recipient_fields(message.recipient)
    return fields


def build_message_event(message: Message) -> bytes:
    """Return the `message` event for the device the message was read for."""
    return orjson.dumps({"type": "message", **build_message_fields(message)})


def build_message_hint(new: NewMessage, stored: StoredMessage) -> bytes:
    """Return what is published: the event, with `recipients` of all devices at its end."""
    message = Message(
        id=stored.id,
        chat_id=stored.chat_id,
        seq=stored.seq,
        sender_id=new.sender_id,
        sender_device_id=new.sender_device_id,
        sent_at=stored.sent_at,
        content_type=new.content_type,
        content=new.content,
        reply_to=new.reply_to,
        recipient=None,
    )
    event = build_message_event(message)
    if not new.recipients:
        return event
    entries = orjson.dumps([_recipient_fields(item) for item in new.recipients])
    return event[:-1] + b',"recipients":' + entries + b"}"


def parse_hint(data: bytes) -> Hint:
    """Read what routing needs of a published event; raises ValueError for anything else."""
    try:
        return _HINT.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not an event: {error}") from error


def build_shared_event(data: bytes) -> bytes:
    """Return a published message without its recipients: what a device not named gets."""
    cut = data.rfind(_RECIPIENTS_KEY)
    # Quotes inside strings are escaped, so the key's bytes occur only where it is a key.
    return data if cut < 0 else data[:cut] + b"}"


def build_device_event(shared: bytes, recipient: HintRecipient) -> bytes:
    """Return a published message for one device: the shared event and its own entry."""
    return shared[:-1] + b',"recipient":' + msgspec.json.encode(recipient) + b"}"


def build_read_event(chat_id: UUID, user_id: UUID, seq: int) -> bytes:
    """Return the `read` event."""
    return orjson.dumps({"type": "read", "chat": str(chat_id), "user": str(user_id), "seq": seq})


def build_typing_event(chat_id: UUID, user_id: UUID, *, active: bool) -> bytes:
    """Return the `typing` event."""
    return orjson.dumps(
        {"type": "typing", "chat": str(chat_id), "user": str(user_id), "active": active}
    )


def build_chat_event(chat_id: UUID) -> bytes:
    """Return the `chat` event: it was created, or one was added to it."""
    return orjson.dumps({"type": "chat", "chat": str(chat_id)})


def _recipient_fields(item: Recipient) -> dict[str, Any]:
    return {
        "deviceId": str(item.device_id),
        "type": item.type,
        "ciphertext": encode_bytes(item.ciphertext),
    }


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
