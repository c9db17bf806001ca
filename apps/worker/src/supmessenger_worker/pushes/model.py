"""What is sent where, and what became of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from prometheus_client import Counter

Provider = Literal["fcm", "web_push"]
Result = Literal["delivered", "gone", "refused", "later"]
# Who was away for longer finds out by looking.
TIME_TO_LIVE: Final = timedelta(days=1)
PUSHES: Final = Counter(
    "push_notifications_total",
    "Attempts to wake a device; `expired` gave up after the last one.",
    ("provider", "result"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A device and where it can be woken; `sealed` is its encrypted token."""

    device_id: UUID
    provider: Provider
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """What a device is told: that there is something in a chat, never what or from whom.

    `topic` names the chat towards the provider, so that several notes of a chat become one.
    """

    chat_id: UUID
    topic: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider made of a note; `retry_after` where it says when to come again."""

    result: Result
    reason: str = ""
    retry_after: timedelta | None = None


class Sender(Protocol):
    """One provider."""

    async def send(self, token: str, note: Note) -> Outcome:
        """Hand a note over; whatever goes wrong is an outcome."""
