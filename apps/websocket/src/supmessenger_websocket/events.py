"""Frames the server sends, and their bytes on the wire."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from websockets.frames import Frame, Opcode

from supmessenger_websocket.frames import Ref, Seq

Timestamp = Annotated[str, Meta(description="RFC 3339, UTC, milliseconds")]


class ServerFrame(
    Struct, frozen=True, tag_field="type", rename="camel", kw_only=True, omit_defaults=True
):
    """What every server frame is; clients ignore fields and types they don't know."""


class Ready(ServerFrame, frozen=True, tag="ready"):
    """The socket is authenticated."""

    user: UUID
    device: UUID
    session: UUID
    server_time: Timestamp
    heartbeat_seconds: int
    ref: Ref | None = None


class ResumedChat(Struct, frozen=True):
    """How one chat was resumed: up to `seq`, whole, from scratch, or not at all."""

    chat: UUID
    status: Annotated[str, Meta(pattern="^(recovered|reset|gone)$")]
    seq: Seq


class Resumed(ServerFrame, frozen=True, tag="resumed"):
    """The missed messages were sent; live events follow."""

    chats: list[ResumedChat]
    ref: Ref | None = None


class Sent(ServerFrame, frozen=True, tag="sent"):
    """The message is stored."""

    chat: UUID
    seq: Seq
    id: UUID
    sent_at: Timestamp
    ref: Ref | None = None


class Ok(ServerFrame, frozen=True, tag="ok"):
    """Done."""

    ref: Ref | None = None


class Pong(ServerFrame, frozen=True, tag="pong"):
    """Answer to `ping`."""

    ref: Ref | None = None


class Error(ServerFrame, frozen=True, tag="error"):
    """A frame was refused; `code` is stable, the rest is for people."""

    code: str
    title: str
    detail: str
    ref: Ref | None = None
    missing: list[UUID] | None = None
    extra: list[UUID] | None = None


class OwnCiphertext(Struct, frozen=True, rename="camel"):
    """What a message holds for the receiving device alone."""

    device_id: UUID
    type: int
    ciphertext: str


class Message(ServerFrame, frozen=True, tag="message"):
    """One message of a chat."""

    chat: UUID
    seq: Seq
    id: UUID
    sender: UUID | None
    sender_device: UUID | None
    sent_at: Timestamp
    content_type: str
    content: str
    reply_to: UUID | None = None
    recipient: OwnCiphertext | None = None


class Chat(ServerFrame, frozen=True, tag="chat"):
    """A chat was created, or the user was added to it."""

    chat: UUID


class Typing(ServerFrame, frozen=True, tag="typing"):
    """Somebody began or stopped typing."""

    chat: UUID
    user: UUID
    active: bool


class Read(ServerFrame, frozen=True, tag="read"):
    """Somebody read up to `seq`."""

    chat: UUID
    user: UUID
    seq: Seq


class Presence(ServerFrame, frozen=True, tag="presence"):
    """Somebody came or went."""

    user: UUID
    status: Annotated[str, Meta(pattern="^(online|offline)$")]
    last_seen: Timestamp | None = None


class Participant(Struct, frozen=True, rename="camel"):
    """One stay of a device in a call."""

    user_id: UUID
    device_id: UUID | None
    joined_at: Timestamp
    left_at: Timestamp | None


class CallState(Struct, frozen=True, rename="camel"):
    """A call as HTTP shows it."""

    id: UUID
    chat_id: UUID
    kind: Annotated[str, Meta(pattern="^(audio|video)$")]
    status: Annotated[str, Meta(pattern="^(ringing|active|ended|missed|declined|failed)$")]
    initiator_id: UUID | None
    started_at: Timestamp
    answered_at: Timestamp | None
    ended_at: Timestamp | None
    participants: list[Participant]


class Call(ServerFrame, frozen=True, tag="call"):
    """A call began, somebody came or left, or it is over."""

    chat: UUID
    call: CallState


class Reset(ServerFrame, frozen=True, tag="reset"):
    """Too much was missed to send it here: reload the history of the chat, live from `seq`."""

    chat: UUID
    seq: Seq


SERVER_FRAMES: tuple[type[ServerFrame], ...] = (
    Ready,
    Resumed,
    Sent,
    Ok,
    Pong,
    Error,
    Message,
    Chat,
    Typing,
    Read,
    Presence,
    Call,
    Reset,
)

_encoder = msgspec.json.Encoder()


def build_frame(event: ServerFrame) -> bytes:
    """Return the bytes of one server frame as they go on the wire."""
    return build_text_frame(_encoder.encode(event))


def build_text_frame(payload: bytes | bytearray | memoryview) -> bytes:
    """Return an unmasked text frame around a JSON payload."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def build_payload(value: Any) -> bytes:
    """Return JSON bytes of a value made of what msgspec knows."""
    return _encoder.encode(value)
