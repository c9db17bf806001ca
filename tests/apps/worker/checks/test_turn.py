"""The relay as the checker asks it: a real Coturn."""

from __future__ import annotations

import pytest
from support.processes.coturn import TurnServer, start_coturn
from support.processes.servers import Run, probe_free_port

from supmessenger_common.bindings import TurnBinding
from supmessenger_worker.checks.board import Check, run_check
from supmessenger_worker.checks.model import CheckFailedError
from supmessenger_worker.checks.turn import build_credentials, probe_turn

pytestmark = pytest.mark.services


@pytest.fixture(scope="session")
def relay(server_run: Run) -> TurnServer:
    """The run's relay."""
    return start_coturn(server_run)


async def test_a_relay_that_works_says_where_it_relays_from(relay: TurnServer) -> None:
    binding = TurnBinding(shared_secret=relay.shared_secret)
    answer = await probe_turn(f"127.0.0.1:{relay.port}", binding)
    assert answer.message == "relays from 127.0.0.1"


async def test_many_checks_use_up_nothing(relay: TurnServer) -> None:
    binding = TurnBinding(shared_secret=relay.shared_secret)
    for _ in range(20):
        await probe_turn(f"127.0.0.1:{relay.port}", binding)


async def test_a_relay_without_a_binding_is_only_asked_whether_it_answers(
    relay: TurnServer,
) -> None:
    assert (await probe_turn(f"127.0.0.1:{relay.port}", None)).message == ""


async def test_another_secret_is_told_with_the_cure(relay: TurnServer) -> None:
    with pytest.raises(CheckFailedError, match=r"spec\.turn\.external\.sharedSecretRef"):
        await probe_turn(f"127.0.0.1:{relay.port}", TurnBinding(shared_secret="wrong"))


async def test_silence_is_a_failed_check() -> None:
    address = f"127.0.0.1:{probe_free_port()}"
    check = Check("turn", lambda: probe_turn(address, TurnBinding(shared_secret="x")))
    assert not (await run_check(check, timeout=0.5)).ok


def test_credentials_end_by_themselves() -> None:
    username, password = build_credentials(TurnBinding(shared_secret="s"), "who", now=1000.0)
    assert username == "1060:who"
    # By `printf 1060:who | openssl dgst -sha1 -hmac s -binary | base64`.
    assert password == "sqNHfwsWInXfL3gu+49OlbZZ8so="
