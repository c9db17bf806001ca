"""A port that was free a moment ago, and is not any more."""

from __future__ import annotations

import itertools
import socket

import pytest
from support.processes import livekit
from support.processes.servers import NotStartedError, Run, probe_free_port

pytestmark = pytest.mark.services


def test_a_media_server_is_started_on_other_ports(
    server_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Bound, and nothing more: who asks whether the server is there is told no at once.
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = int(other.getsockname()[1])
        # The second is that of media over TCP.
        chosen = iter([probe_free_port(), taken])
        monkeypatch.setattr(
            livekit, "probe_free_port", lambda: next(chosen, None) or probe_free_port()
        )
        server = livekit.start_livekit(server_run, webhook_url="http://127.0.0.1:9/")
        server.kill()
    assert next(chosen, None) is None


def test_one_that_finds_no_free_port_at_all_says_so(
    server_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        tried = itertools.count(1)
        taken = int(other.getsockname()[1])
        monkeypatch.setattr(livekit, "probe_free_port", lambda: next(tried) and taken)
        with pytest.raises(NotStartedError, match="address already in use"):
            livekit.start_livekit(server_run, webhook_url="http://127.0.0.1:9/")
    # Three ports each time.
    assert next(tried) == 3 * livekit.TRIES + 1
