"""LiveKit as the checker asks it: a real one."""

from __future__ import annotations

import pytest
from support.processes.livekit import LivekitServer
from support.processes.servers import probe_free_port

from supmessenger_common.bindings import LivekitBinding
from supmessenger_worker.checks.board import Check, run_check
from supmessenger_worker.checks.livekit import probe_livekit
from supmessenger_worker.checks.model import CheckFailedError

pytestmark = pytest.mark.services


def build_binding(server: LivekitServer, *, secret: str = "") -> LivekitBinding:
    return LivekitBinding(
        url=server.url,
        public_url=server.url,
        api_key=server.api_key,
        api_secret=secret or server.api_secret,
    )


async def test_a_server_that_takes_our_key_is_well_and_one_that_does_not_is_told(
    livekit: LivekitServer,
) -> None:
    url = f"http://127.0.0.1:{livekit.port}"
    await probe_livekit(url, build_binding(livekit))
    await probe_livekit(url, None)
    wrong = build_binding(livekit, secret="x" * 40)
    with pytest.raises(CheckFailedError, match=r"spec\.livekit\.external\.credentialsSecretRef"):
        await probe_livekit(url, wrong)


async def test_silence_is_a_failed_check() -> None:
    url = f"http://127.0.0.1:{probe_free_port()}"
    check = Check("livekit", lambda: probe_livekit(url, None))
    assert not (await run_check(check, timeout=2.0)).ok
