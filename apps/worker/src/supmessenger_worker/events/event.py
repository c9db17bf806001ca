"""One event: what Kafka is told of an accepted message, which is never its content."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson


@dataclass(frozen=True, slots=True)
class Event:
    """A row of `event_outbox`; `row` orders the events of a chat."""

    row: int
    chat_id: UUID
    seq: int
    body: dict[str, Any]


def encode_key(event: Event) -> bytes:
    """Return the key that keeps the events of a chat in one partition."""
    return str(event.chat_id).encode()


def encode_value(event: Event) -> bytes:
    """Return the event as JSON: `id`, `chatId`, `seq` and what the body says.

    `id` is the same however often an event is relayed: consumers drop what they have seen.
    """
    body = event.body
    return orjson.dumps(
        {"id": body["messageId"], "chatId": str(event.chat_id), "seq": event.seq, **body}
    )
