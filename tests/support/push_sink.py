"""The stand-in for push providers, inside the test's own process."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.image_programs import load_program


@dataclass(frozen=True)
class Pushed:
    """One request the stand-in got."""

    provider: str
    to: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """FCM's message."""
        told: dict[str, Any] = json.loads(self.body)["message"]
        return told


@dataclass(frozen=True)
class PushSink:
    """A running stand-in."""

    url: str
    record: Any

    def find(self, to: str | None = None) -> list[Pushed]:
        """Return what was sent to a device, or everything."""
        return [
            Pushed(p.provider, p.to, p.status, p.headers, base64.urlsafe_b64decode(p.body))
            for p in self.record.find(to)
        ]


@contextmanager
def open_push_sink() -> Iterator[PushSink]:
    """Serve on a free port until the block ends."""
    module = load_program("push-sink")
    record = module.Record()
    server = module.build_server(("127.0.0.1", 0), record)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield PushSink(f"http://127.0.0.1:{server.server_port}", record)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
