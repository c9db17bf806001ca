"""Frames a client sends: one JSON object per text frame, told apart by `type`."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from supmessenger_common.messages.model import CONTENT_TYPE_LIMIT

Ref = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Number the answer carries back")]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Place of a message in its chat")]


class ClientFrame(Struct, frozen=True, tag_field="type", rename="camel", kw_only=True):
    """What every client frame is; unknown fields are left for later versions."""


class AuthFrame(ClientFrame, frozen=True, tag="auth"):
    """Who is there; the first frame, and again before the access token ends."""

    token: Annotated[str, Meta(max_length=4096)]
    ref: Ref | None = None


class ChatPosition(Struct, frozen=True):
    """The last message of a chat that a client has."""

    chat: UUID
    seq: Seq


class ResumeFrame(ClientFrame, frozen=True, tag="resume"):
    """Send what was missed, then live events; an empty list starts at what was read."""

    chats: list[ChatPosition]
    ref: Ref | None = None


class Recipient(Struct, frozen=True, rename="camel"):
    """One device's own ciphertext of a message."""

    device_id: UUID
    type: Annotated[int, Meta(ge=0, le=32767)]
    ciphertext: str


class SendFrame(ClientFrame, frozen=True, tag="send"):
    """Store a message; a retry with the same `clientMsgId` is answered like the first."""

    chat: UUID
    client_msg_id: UUID
    content_type: Annotated[str, Meta(min_length=1, max_length=CONTENT_TYPE_LIMIT)]
    content: str
    reply_to: UUID | None = None
    recipients: list[Recipient] | None = None
    ref: Ref | None = None


class TypingFrame(ClientFrame, frozen=True, tag="typing"):
    """Somebody began or stopped typing."""

    chat: UUID
    active: bool


class ReadFrame(ClientFrame, frozen=True, tag="read"):
    """Everything up to `seq` was read; never goes back."""

    chat: UUID
    seq: Seq
    ref: Ref | None = None


class PresenceFrame(ClientFrame, frozen=True, tag="presence"):
    """Watch these people and no others; each must share a chat with the client."""

    users: list[UUID]
    ref: Ref | None = None


class PingFrame(ClientFrame, frozen=True, tag="ping"):
    """Ask for a `pong`; for clients that cannot send control frames."""

    ref: Ref | None = None


AnyClientFrame = (
    AuthFrame | ResumeFrame | SendFrame | TypingFrame | ReadFrame | PresenceFrame | PingFrame
)
CLIENT_FRAMES: tuple[type[ClientFrame], ...] = (
    AuthFrame,
    ResumeFrame,
    SendFrame,
    TypingFrame,
    ReadFrame,
    PresenceFrame,
    PingFrame,
)


class FrameError(Exception):
    """A frame that is not one of ours; carries what the error answer says."""

    def __init__(self, code: str, detail: str, *, ref: int | None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.ref = ref


_decoder: "msgspec.json.Decoder[AnyClientFrame]" = msgspec.json.Decoder(AnyClientFrame)
_TAGS = tuple(str(frame.__struct_config__.tag) for frame in CLIENT_FRAMES)


def parse_frame(text: str) -> AnyClientFrame:
    """Read one client frame; raises FrameError with the code to answer."""
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise FrameError("invalid_json", "Nested too deeply.", ref=None) from None
    except msgspec.MsgspecError as error:
        raise _build_error(text, str(error)) from None


def _build_error(text: str, detail: str) -> FrameError:
    try:
        value: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return FrameError("invalid_json", "A frame is one JSON object.", ref=None)
    if not isinstance(value, dict):
        return FrameError("invalid_json", "A frame is one JSON object.", ref=None)
    ref = value.get("ref")
    # `type` and not `isinstance`: true and false are integers to Python.
    known_ref = ref if type(ref) is int and 0 <= ref < 2**53 else None
    if value.get("type") not in _TAGS:
        return FrameError("unknown_type", "No frame has this type.", ref=known_ref)
    return FrameError("invalid_frame", detail, ref=known_ref)
