"""What waits to be written: one write per connection per turn of the event loop."""

import asyncio
from collections.abc import Callable, Sequence


class Outbox:
    """Frames of one connection, written together when the loop's turn ends."""

    __slots__ = ("_flusher", "_frames", "_write")

    def __init__(self, flusher: "Flusher", write: Callable[[Sequence[bytes]], None]) -> None:
        self._flusher = flusher
        self._write = write
        self._frames: list[bytes] = []

    def append(self, frame: bytes) -> None:
        """Queue one encoded frame; the same bytes object may wait in many outboxes."""
        if not self._frames:
            self._flusher.schedule(self)
        self._frames.append(frame)

    def flush(self) -> None:
        """Write what waits now, as one write."""
        if self._frames:
            frames, self._frames = self._frames, []
            self._write(frames)

    def clear(self) -> None:
        """Forget what waits: the connection cannot take it any more."""
        self._frames = []


class Flusher:
    """Flushes every outbox that got frames during a turn, with one callback for all."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Outbox] = []

    def schedule(self, outbox: Outbox) -> None:
        """Flush `outbox` at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush_all)
        self._waiting.append(outbox)

    def _flush_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outbox in waiting:
            outbox.flush()
