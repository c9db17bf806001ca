"""Two clients with LiveKit's own SDK hold a call: directly, and only over the relay."""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
from collections.abc import Sequence
from uuid import UUID

import pytest
from support.api_service import Person
from support.call_service import CallsApi, join_call, read_call, start_call, wait_for_status
from support.processes.binaries import build_debian_env, find_turnserver
from support.processes.coturn import TurnServer
from support.waiting import wait_until

from supmessenger_cli.calls.meeting import CallFailedError, hold_meeting
from supmessenger_cli.calls.task import HIGH_BLUE, LOW_RED, Report, Task, build_task

pytestmark = pytest.mark.services
# Nothing of the machine's own may lead the SDK elsewhere.
ENVIRONMENT = {"no_proxy": "*", "NO_PROXY": "*"}


async def build_tasks(
    people: Sequence[Person], call_id: str, *, relay_only: bool
) -> tuple[Task, Task]:
    first, second = [await join_call(person, call_id) for person in people]
    return (
        build_task(first, relay_only=relay_only, send=LOW_RED, expect=HIGH_BLUE),
        build_task(second, relay_only=relay_only, send=HIGH_BLUE, expect=LOW_RED),
    )


async def talk(
    calls: CallsApi, alice: Person, bob: Person, chat_id: UUID, *, relay_only: bool
) -> Sequence[Report]:
    """Hold a call from ringing to its end; returns what both participants saw and heard."""
    call = await start_call(alice, chat_id)
    tasks = await build_tasks((alice, bob), call["id"], relay_only=relay_only)
    async with hold_meeting(tasks, environment=ENVIRONMENT) as reports:
        active = await wait_for_status(bob, call["id"], "active")
        assert active["answeredAt"] is not None
        present = {(one["userId"], one["deviceId"]) for one in active["participants"]}
        assert present == {(str(one.user_id), str(one.device_id)) for one in (alice, bob)}

    async def both_left() -> bool:
        stays = (await read_call(bob, call["id"]))["participants"]
        return all(stay["leftAt"] is not None for stay in stays)

    await wait_until(both_left, what="the webhook to tell that both left", seconds=30)
    ended = (await alice.call("POST", f"/v1/calls/{call['id']}/end")).json()
    assert ended["status"] == "ended"
    for report in reports:
        assert report.audio_frames > 0
        assert report.video_frames > 0
    return reports


async def test_sound_and_picture_go_both_ways_directly(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    for report in await talk(calls, alice, bob, chat_id, relay_only=False):
        assert not report.route.is_relayed
        assert report.route.local in ("host", "prflx")


async def test_sound_and_picture_go_both_ways_over_the_relay_alone(
    calls: CallsApi, turn_server: TurnServer
) -> None:
    alice, bob, chat_id = await calls.open_pair()
    for report in await talk(calls, alice, bob, chat_id, relay_only=True):
        assert report.route.local == "relay"
        assert report.route.server in turn_server.uris


async def test_the_relay_takes_our_credentials_until_they_expire(
    calls: CallsApi, turn_server: TurnServer
) -> None:
    alice, _, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    (server,) = (await join_call(alice, call["id"]))["iceServers"]
    username, credential = server["username"], server["credential"]
    assert "Cannot" not in await ask_relay(turn_server, username, credential)
    past = f"1000000000:{alice.device_id}"
    expired = build_mac(turn_server.shared_secret, past)
    for wrong in ((username, "guessed"), (username + "0", credential), (past, expired)):
        assert "Cannot complete Allocation" in await ask_relay(turn_server, *wrong)


def build_mac(secret: str, username: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


async def ask_relay(server: TurnServer, username: str, credential: str) -> str:
    """Relay one packet to oneself with Coturn's own client; returns what it printed."""
    binary = find_turnserver()
    assert binary is not None, "checked by the tier's requirements"
    process = await asyncio.create_subprocess_exec(
        *(binary.with_name("turnutils_uclient"), "-y", "-c", "-n", "1", "-m", "1"),
        *("-p", str(server.port), "-u", username, "-w", credential, "127.0.0.1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **build_debian_env()},
    )
    async with asyncio.timeout(30):
        printed, _ = await process.communicate()
    return printed.decode()


async def test_a_token_does_not_open_a_room_that_is_over(calls: CallsApi) -> None:
    alice, _, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    admission = await join_call(alice, call["id"])
    await alice.call("POST", f"/v1/calls/{call['id']}/end")
    task = build_task(admission, relay_only=False, send=LOW_RED, expect=HIGH_BLUE)
    with pytest.raises(CallFailedError, match="participant ended"):
        async with hold_meeting([task], environment=ENVIRONMENT):
            pytest.fail("the room is gone")
    assert (await read_call(alice, call["id"]))["participants"] == []
