"""The stand-in for push providers, inside the test's own process."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / "hack" / "images" / "push-sink" / "push_sink.py"


@cache
def load_push_sink() -> ModuleType:
    """Return the image's program as a module."""
    specification = importlib.util.spec_from_file_location("push_sink", SOURCE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["push_sink"] = module
    specification.loader.exec_module(module)
    return module


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
    module = load_push_sink()
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
