"""Who may not be in a call any more is taken out of it, and does not get in again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest
from livekit.rtc import ConnectError, DisconnectReason
from redis.asyncio import Redis
from support.api_service import Person
from support.call_service import (
    CallsApi,
    join_call,
    open_calls_api,
    read_call,
    start_call,
    wait_for_status,
)
from support.caller import CallerInRoom, enter_room
from support.processes.redis import RedisServer
from support.processes.servers import Run
from support.publishing import open_publisher
from support.rooms import open_rooms
from support.tcp_gate import TcpGate
from support.waiting import wait_until
from support.worker_service import run_worker

from supmessenger_common.calls.model import Presence
from supmessenger_common.calls.store import record_presence
from supmessenger_common.calls.welcome import RETURNS, fetch_unwelcome
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_worker.schedule.calls import SETTLING_TIME, CallKeeper

pytestmark = pytest.mark.services
# LiveKit takes a token for a minute longer than it says.
LIVEKIT_LEEWAY = timedelta(minutes=1)


@pytest.fixture
async def calls(server_run: Run, postgres: Pool, binding_root: Path) -> AsyncIterator[CallsApi]:
    """The API and a media server of its own."""
    async with open_calls_api(server_run, postgres, binding_root) as running:
        yield running


@dataclass(frozen=True)
class Talk:
    """A call that two people are in."""

    call_id: str
    chat_id: UUID
    people: tuple[Person, Person]
    admissions: tuple[dict[str, Any], dict[str, Any]]
    callers: tuple[CallerInRoom, CallerInRoom]

    async def read_present(self) -> set[UUID]:
        """Return who is in the call, as the one who started it sees it."""
        participants = (await read_call(self.people[0], self.call_id))["participants"]
        return {UUID(one["userId"]) for one in participants if one["leftAt"] is None}

    async def wait_alone(self) -> None:
        """Wait until only the one who started it is said to be in the call."""

        async def is_alone() -> bool:
            return await self.read_present() == {self.people[0].user_id}

        await wait_until(is_alone, what="the stay to end", seconds=60)


@asynccontextmanager
async def hold_talk(calls: CallsApi) -> AsyncIterator[Talk]:
    alice, bob, chat_id = await calls.open_pair()
    call_id = (await start_call(alice, chat_id, "audio"))["id"]
    async with AsyncExitStack() as stack:
        admissions = (await join_call(alice, call_id), await join_call(bob, call_id))
        hers = await stack.enter_async_context(enter_room(admissions[0]))
        his = await stack.enter_async_context(enter_room(admissions[1]))
        talk = Talk(call_id, chat_id, (alice, bob), admissions, (hers, his))
        await wait_for_status(alice, call_id, "active")

        async def both_known() -> bool:
            return await talk.read_present() == {alice.user_id, bob.user_id}

        await wait_until(both_known, what="both to be known", seconds=60)
        yield talk


@asynccontextmanager
async def open_keeper(calls: CallsApi, *, port: int | None = None) -> AsyncIterator[CallKeeper]:
    """What looks at calls, with a way of its own to the media server if need be."""
    server = calls.livekit
    url = server.url if port is None else f"ws://127.0.0.1:{port}"
    async with (
        open_publisher(calls.api.bindings) as publisher,
        open_rooms(url, key=server.api_key, secret=server.api_secret) as rooms,
    ):
        yield CallKeeper(calls.api.postgres, publisher, rooms)


def age_token(calls: CallsApi, token: str, *, by: timedelta) -> str:
    """Return a token as it would be had it been given out so much earlier."""
    secret = calls.livekit.api_secret
    claims = jwt.decode(
        token, secret, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}
    )
    for name in ("exp", "nbf"):
        claims[name] -= int(by.total_seconds())
    return jwt.encode(claims, secret, "HS256")


async def test_who_logs_out_is_taken_out_at_once_and_does_not_get_in_again(
    calls: CallsApi, binding_root: Path, redis_cache: RedisServer
) -> None:
    listener = Redis.from_url(redis_cache.url)
    async with (
        run_worker(binding_root),
        hold_talk(calls) as talk,
        listener.pubsub(ignore_subscribe_messages=True) as channel,
    ):
        (alice, bob), (hers, his) = talk.people, talk.callers
        await channel.subscribe(f"sup:sup:chat:{talk.chat_id}")
        await channel.get_message(timeout=5)
        assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
        assert await his.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        await talk.wait_alone()
        left: dict[str, Any] = {}
        # That both came may be told as late as this.
        while left.get(str(bob.user_id)) is None:
            event = orjson.loads((await channel.get_message(timeout=10))["data"])
            left = {one["userId"]: one["leftAt"] for one in event["call"]["participants"]}
        assert left[str(alice.user_id)] is None

        refused = await bob.call("POST", f"/v1/calls/{talk.call_id}/join")
        assert (refused.status_code, refused.json()["code"]) == (401, "session_revoked")
        # As long as his token is good he gets no further than the door.
        async with enter_room(talk.admissions[1]) as again:
            assert await again.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        await talk.wait_alone()
        life = timedelta(seconds=talk.admissions[1]["expiresIn"])
        old = age_token(calls, talk.admissions[1]["token"], by=life + LIVEKIT_LEEWAY)
        with pytest.raises(ConnectError):
            async with enter_room({**talk.admissions[1], "token": old}):
                pytest.fail("a token opens after its life")
        assert hers.is_in
    await listener.aclose()


async def test_the_door_is_shut_for_good_on_who_comes_back_over_and_over(
    calls: CallsApi,
) -> None:
    async with hold_talk(calls) as talk, open_keeper(calls) as keeper:
        (alice, bob), (hers, his) = talk.people, talk.callers
        assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
        await keeper.sweep(now=read_clock())
        await his.wait_gone()
        for _ in range(RETURNS - 1):
            async with enter_room(talk.admissions[1]) as again:
                assert await again.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        await talk.wait_alone()
        assert hers.is_in
        async with enter_room(talk.admissions[1]) as again:
            await again.wait_gone()
        assert (await wait_for_status(alice, talk.call_id, "ended"))["endedAt"] is not None
        assert await hers.wait_gone() == DisconnectReason.ROOM_DELETED
        with pytest.raises(ConnectError):
            async with enter_room(talk.admissions[1]):
                pytest.fail("the room is gone")
        # Those who may go on do so in a room for which he has no token.
        assert (await start_call(alice, talk.chat_id))["id"] != talk.call_id


async def test_the_end_of_a_session_need_not_wait_for_the_next_look(calls: CallsApi) -> None:
    async with hold_talk(calls) as talk, open_keeper(calls) as keeper:
        (_, bob), (hers, his) = talk.people, talk.callers
        await keeper.take_out(bob.session_id)
        assert his.is_in
        assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
        await keeper.take_out(bob.session_id)
        assert await his.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        await talk.wait_alone()
        assert hers.is_in


async def test_a_media_server_that_is_away_delays_no_logout_and_takes_out_when_it_is_back(
    calls: CallsApi,
) -> None:
    gate = TcpGate(calls.livekit.port)
    await gate.open()
    async with hold_talk(calls) as talk, open_keeper(calls, port=gate.port) as keeper:
        (alice, bob), (hers, his) = talk.people, talk.callers
        await gate.shut()
        began = time.monotonic()
        assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
        await keeper.take_out(bob.session_id)
        await keeper.sweep(now=read_clock())
        assert time.monotonic() - began < 5
        assert his.is_in
        assert await talk.read_present() == {alice.user_id, bob.user_id}
        await gate.open()
        await keeper.sweep(now=read_clock())
        assert await his.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        await talk.wait_alone()
        assert hers.is_in
    await gate.shut()


@pytest.mark.parametrize(
    ("change", "code", "both"),
    [
        ("DELETE FROM chat_members WHERE user_id = $1", "call_unknown", False),
        ("UPDATE users SET status = 'suspended' WHERE id = $1", "session_revoked", False),
        (
            "INSERT INTO blocked_users (user_id, blocked_id)"
            " SELECT id, $1 FROM users WHERE id <> $1",
            "blocked",
            True,
        ),
    ],
    ids=["removed", "suspended", "blocked"],
)
async def test_whoever_could_not_join_any_more_does_not_stay(
    calls: CallsApi, change: str, code: str, both: bool
) -> None:
    async with hold_talk(calls) as talk, open_keeper(calls) as keeper:
        (_, bob), (hers, his) = talk.people, talk.callers
        await calls.api.postgres.execute(change, bob.user_id)
        await keeper.sweep(now=read_clock())
        assert await his.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        refused = await bob.call("POST", f"/v1/calls/{talk.call_id}/join")
        assert refused.json()["code"] == code
        if both:
            # Neither may call the other, so neither stays.
            assert await hers.wait_gone() == DisconnectReason.PARTICIPANT_REMOVED
        else:
            await talk.wait_alone()
            assert hers.is_in


async def test_a_stay_whose_end_nobody_told_is_ended(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    now = read_clock()
    presence = Presence(identity=str(bob.device_id), joined_at=now)
    await record_presence(calls.api.postgres, call["id"], presence, left_at=None)
    async with open_keeper(calls) as keeper:
        for later, left in ((SETTLING_TIME / 2, None), (SETTLING_TIME, now + SETTLING_TIME)):
            await keeper.sweep(now=now + later)
            rows = "SELECT left_at FROM call_participants WHERE call_id = $1"
            assert await calls.api.postgres.fetchval(rows, UUID(call["id"])) == left


async def test_only_in_our_own_open_calls_somebody_is_unwelcome(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    stranger = create_id()
    call = await start_call(alice, chat_id)
    asked = [alice.device_id, bob.device_id, stranger]
    postgres = calls.api.postgres
    assert await fetch_unwelcome(postgres, call["id"], asked) == {stranger}
    assert await fetch_unwelcome(postgres, "somebody-elses", asked) == set()
    await alice.call("POST", f"/v1/calls/{call['id']}/end")
    assert await fetch_unwelcome(postgres, call["id"], asked) == set()
