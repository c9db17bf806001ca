"""Bounds of one socket process: sizes in bytes, times in seconds, rates per second."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Everything that keeps one peer from costing the others; tests shrink single values."""

    # Handshake, first frame, and the closing handshake.
    open_seconds: float = 10.0
    auth_seconds: float = 10.0
    close_seconds: float = 5.0
    # A silent peer is pinged; one that stays silent is cut.
    ping_seconds: float = 25.0
    pong_seconds: float = 20.0
    # 96 KiB of content, JSON-escaped, and the ciphertexts of the recipients' devices.
    max_frame_bytes: int = 512 * 1024
    # Above `soft` a replay waits and presence is held back; above `hard` the reader is cut.
    soft_write_bytes: int = 128 * 1024
    hard_write_bytes: int = 1024 * 1024
    stall_seconds: float = 30.0
    frames_burst: int = 100
    frames_rate: float = 40.0
    typing_burst: int = 6
    typing_rate: float = 1.0
    # Frames of one socket that wait for the one being handled; then its reading pauses.
    inbound_frames: int = 32
    max_connections: int = 20_000
    replay_messages: int = 1_000
    replay_page: int = 100
    resume_chats: int = 1_000
    presence_users: int = 500
    presence_ttl_seconds: float = 60.0
    presence_refresh_seconds: float = 20.0
    presence_flush_seconds: float = 0.25
    heal_seconds: float = 5.0


DEFAULT_LIMITS = Limits()


class Allowance:
    """A token bucket: `burst` at once, `rate` a second."""

    __slots__ = ("_burst", "_checked", "_left", "_rate")

    def __init__(self, *, burst: int, rate: float, now: float) -> None:
        self._burst = float(burst)
        self._rate = rate
        self._left = float(burst)
        self._checked = now

    def take(self, now: float) -> bool:
        """Return whether one more is allowed at `now` (monotonic seconds)."""
        left = min(self._burst, self._left + (now - self._checked) * self._rate)
        self._checked = now
        allowed = left >= 1.0
        self._left = left - 1.0 if allowed else left
        return allowed
