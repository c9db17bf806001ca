"""How a pass may end other than well: a person must act, or time will tell."""

from dataclasses import dataclass

Key = tuple[str, str]  # namespace and name of a resource

# What a person gave may be as large as an object, and a status holds each message several times.
_LONGEST_MESSAGE = 4000


class Stalled(Exception):
    """A person must act; the pass is not retried until something changes.

    `field` is the path in the resource that has to change, `reason` one CamelCase word,
    the message a sentence with the cure. `is_outside` says that the cure lies outside the
    resource (a Secret to make, a host to start), so that the pass looks again once a minute.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        reason: str = "InvalidSpec",
        is_outside: bool = False,
    ) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason
        self.is_outside = is_outside

    @property
    def message(self) -> str:
        """The sentence for people, beginning with the field's path."""
        text = f"{self.field}: {self.args[0]}" if self.field else str(self.args[0])
        return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} …"


class Waiting(Exception):
    """It will resolve by itself; the pass is retried with backoff or by the next event.

    `recheck` (seconds) is the longest pause where no event will tell.
    """

    def __init__(
        self, message: str, *, reason: str = "Waiting", recheck: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.recheck = recheck

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a pass ended: at most one of the two is set."""

    stalled: Stalled | None = None
    waiting: Waiting | None = None
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Next:
    """When a key wants to be looked at again: with backoff, after a delay, or at the resync.

    With both, the delay is the most that the backoff comes to; `is_gone` asks for nothing.
    """

    backoff: bool = False
    delay: float | None = None
    is_gone: bool = False
