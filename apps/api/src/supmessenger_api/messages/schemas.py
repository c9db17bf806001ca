"""Requests and answers of messages."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from supmessenger_api.wire import WireBytes, WireModel, WireTime
from supmessenger_common.messages.model import (
    CONTENT_LIMIT,
    CONTENT_TYPE_LIMIT,
    CONTENT_TYPE_PATTERN,
)

RECIPIENTS_LIMIT = 1000


def check_content(value: str) -> str:
    """Raise ValueError for what the table would refuse."""
    if len(value.encode()) > CONTENT_LIMIT:
        raise ValueError(f"may have at most {CONTENT_LIMIT} bytes")
    if "\x00" in value:
        raise ValueError("must not hold the character U+0000")
    return value


def check_ciphertext(value: bytes) -> bytes:
    """Raise ValueError for what the table would refuse."""
    if not 0 < len(value) <= CONTENT_LIMIT:
        raise ValueError(f"must have 1 to {CONTENT_LIMIT} bytes")
    return value


Content = Annotated[str, AfterValidator(check_content)]
ContentType = Annotated[
    str,
    StringConstraints(min_length=1, max_length=CONTENT_TYPE_LIMIT, pattern=CONTENT_TYPE_PATTERN),
]


class DeviceCiphertext(WireModel):
    """The message for one device; `type` is libsignal's kind of ciphertext."""

    device_id: UUID
    type: Annotated[int, Field(ge=0, le=32767)]
    ciphertext: Annotated[WireBytes, AfterValidator(check_ciphertext)]


class NewMessage(WireModel):
    """A message to send; `clientMsgId` makes a retry find the first result."""

    client_msg_id: UUID
    content_type: ContentType
    content: Content
    reply_to: UUID | None = None
    recipients: Annotated[list[DeviceCiphertext], Field(max_length=RECIPIENTS_LIMIT)] | None = None


class SentMessage(WireModel):
    """Where the message has its place."""

    id: UUID
    chat_id: UUID
    seq: int
    sent_at: WireTime


class Message(WireModel):
    """A message as the caller's device may see it."""

    chat: UUID
    seq: int
    id: UUID
    sender: UUID | None
    sender_device: UUID | None
    sent_at: WireTime
    content_type: str
    content: str
    reply_to: UUID | None = None
    recipient: DeviceCiphertext | None = None


class Messages(WireModel):
    """A page, ascending; `nextCursor` is the next `after` or `before`, null at the end."""

    messages: list[Message]
    next_cursor: int | None


class ReadMark(WireModel):
    """Everything up to this seq is read."""

    seq: Annotated[int, Field(ge=0, le=2**63 - 1)]


class ReadPointer(WireModel):
    """Where the pointer stands now."""

    chat_id: UUID
    seq: int
