"""What a participant's process is told, and what it reports."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Signal:
    """What a participant sends: one tone, one colour."""

    tone_hz: float
    colour: Colour


# Far enough apart that neither is taken for the other.
LOW_RED = Signal(tone_hz=440, colour=(200, 40, 40))
HIGH_BLUE = Signal(tone_hz=1000, colour=(40, 60, 200))


@dataclass(frozen=True, kw_only=True)
class Task:
    """Where to go, what to send, what to wait for."""

    url: str
    token: str
    ice_servers: Sequence[Mapping[str, Any]]
    relay_only: bool
    send: Signal
    expect: Signal


@dataclass(frozen=True)
class Route:
    """The way the media took: kinds of the two candidates, and the server the local one is of."""

    local: str
    remote: str
    server: str

    @property
    def is_relayed(self) -> bool:
        """Whether it leads over a relay.

        The kind alone does not tell: where addresses are translated behind the relay, its
        candidate counts as one that the other side found (`prflx`).
        """
        return self.server.startswith(("turn:", "turns:"))


@dataclass(frozen=True)
class Report:
    """How many frames came until the other was recognised, and the way they came."""

    audio_frames: int
    video_frames: int
    route: Route


def build_task(
    admission: Mapping[str, Any], *, relay_only: bool, send: Signal, expect: Signal
) -> Task:
    """Return the task of who was let in: `admission` is the answer of `POST …/join`."""
    return Task(
        url=admission["url"],
        token=admission["token"],
        ice_servers=admission["iceServers"],
        relay_only=relay_only,
        send=send,
        expect=expect,
    )


def build_line(message: Task | Report) -> bytes:
    """Return a task or a report as a line."""
    return json.dumps(asdict(message)).encode() + b"\n"


def parse_task(line: str) -> Task:
    """Read a task."""
    body: dict[str, Any] = json.loads(line)
    send, expect = (_parse_signal(body.pop(name)) for name in ("send", "expect"))
    return Task(send=send, expect=expect, **body)


def parse_report(line: bytes) -> Report:
    """Read a report."""
    body: dict[str, Any] = json.loads(line)
    return Report(route=Route(**body.pop("route")), **body)


def _parse_signal(body: Mapping[str, Any]) -> Signal:
    red, green, blue = body["colour"]
    return Signal(tone_hz=body["tone_hz"], colour=(red, green, blue))
