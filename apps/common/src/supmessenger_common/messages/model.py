"""What a message is between the wire and the table."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

CONTENT_LIMIT = 96 * 1024
CONTENT_TYPE_LIMIT = 127
# Printable words with semicolons between. A semicolon is in no word, so that there is one way
# only to read a text and a hostile one costs no more than any other.
CONTENT_TYPE_PATTERN = r"^[!-:<-~]+(; ?[!-:<-~]+)*$"


@dataclass(frozen=True)
class Recipient:
    """The ciphertext of a message for one device."""

    device_id: UUID
    type: int
    ciphertext: bytes


@dataclass(frozen=True)
class NewMessage:
    """A message to store; `id` and `sent_at` are the caller's, so that a batch can be built."""

    id: UUID
    chat_id: UUID
    sender_id: UUID
    sender_device_id: UUID
    client_msg_id: UUID
    content_type: str
    content: str
    sent_at: datetime
    reply_to: UUID | None = None
    recipients: tuple[Recipient, ...] | None = None


@dataclass(frozen=True)
class StoredMessage:
    """Where a message has its place; `repeated` when an earlier send had stored it."""

    id: UUID
    chat_id: UUID
    seq: int
    sent_at: datetime
    chat_type: str
    repeated: bool


@dataclass(frozen=True)
class Message:
    """A message as one device may see it."""

    id: UUID
    chat_id: UUID
    seq: int
    sender_id: UUID | None
    sender_device_id: UUID | None
    sent_at: datetime
    content_type: str
    content: str
    reply_to: UUID | None
    recipient: Recipient | None
