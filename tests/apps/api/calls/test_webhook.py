"""What the media server tells: believed only with its signature, once, in any order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
import pytest
from redis.asyncio import Redis
from support.api_service import Person, open_api
from support.bindings import build_postgres_binding, build_redis_binding, write_binding
from support.call_service import CallsApi, read_call, start_call
from support.media_server_events import Teller, build_event, build_participant, deliver
from support.processes.postgres import PostgresServer
from support.processes.redis import RedisServer
from support.processes.servers import probe_free_port

from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id, format_time

pytestmark = pytest.mark.services


@pytest.fixture
def teller(calls: CallsApi) -> Teller:
    return Teller(calls.livekit.api_key, calls.livekit.api_secret)


@dataclass(frozen=True)
class Scene:
    """A call, the two people, and what happened in its room."""

    alice: Person
    bob: Person
    call_id: str
    began: datetime
    events: tuple[bytes, ...]


async def build_scene(calls: CallsApi) -> Scene:
    """Return a call in which both came, left, and the room closed; nothing is told yet."""
    alice, bob, chat_id = await calls.open_pair()
    call_id = (await start_call(alice, chat_id))["id"]
    began = datetime.now(UTC).replace(microsecond=0)
    hers = build_participant(alice.device_id, joined_at=began, sid="PA_alice")
    his = build_participant(bob.device_id, joined_at=began + timedelta(seconds=3), sid="PA_bob")
    end = began + timedelta(seconds=60)
    events = (
        build_event("participant_joined", call_id, at=began, participant=hers),
        build_event("participant_joined", call_id, at=began, participant=his),
        build_event("participant_left", call_id, at=began + timedelta(seconds=40), participant=his),
        build_event("room_finished", call_id, at=end),
    )
    return Scene(alice, bob, call_id, began, events)


async def tell_all(calls: CallsApi, teller: Teller, *events: bytes) -> None:
    for event in events:
        answer = await teller.tell(calls.api, event)
        assert answer.status_code == 200, answer.text


async def test_a_call_follows_what_happens_in_its_room(calls: CallsApi, teller: Teller) -> None:
    scene = await build_scene(calls)
    started = build_event("room_started", scene.call_id, at=scene.began)
    seen = []
    for event in (started, *scene.events):
        await tell_all(calls, teller, event)
        call = await read_call(scene.bob, scene.call_id)
        present = [one["userId"] for one in call["participants"] if one["leftAt"] is None]
        seen.append((call["status"], len(present)))
    assert seen == [("ringing", 0), ("ringing", 1), ("active", 2), ("active", 1), ("ended", 0)]
    assert call["answeredAt"] == format_time(scene.began + timedelta(seconds=3))
    assert call["endedAt"] == format_time(scene.began + timedelta(seconds=60))


async def test_events_in_any_order_and_twice_lead_to_the_same(
    calls: CallsApi, teller: Teller
) -> None:
    orders = list(permutations(range(4)))
    states = []
    for order in orders[::5]:
        # Each order in a chat of its own: the scene's people are new ones.
        for person in ("alice", "bob"):
            await calls.api.postgres.execute(
                "UPDATE users SET username = username || $2, email = $2 || email"
                " WHERE username = $1",
                *(person, uuid4().hex),
            )
        scene = await build_scene(calls)
        for number in order:
            await tell_all(calls, teller, scene.events[number])
        again = {**json.loads(scene.events[order[0]]), "id": f"EV_{uuid4().hex}"}
        await tell_all(calls, teller, json.dumps(again).encode())
        call = await read_call(scene.alice, scene.call_id)
        states.append(describe(call, scene))
    assert states == [states[0]] * len(states)
    assert states[0] == {
        "status": "ended",
        "answered": 3,
        "ended": 60,
        "stays": [("alice", 0, 60), ("bob", 3, 40)],
    }


def describe(call: dict[str, Any], scene: Scene) -> dict[str, Any]:
    """Return a call without what differs from scene to scene: names, and seconds since it began."""

    def since(text: str) -> int:
        return int((datetime.fromisoformat(text) - scene.began).total_seconds())

    names = {str(scene.alice.user_id): "alice", str(scene.bob.user_id): "bob"}
    return {
        "status": call["status"],
        "answered": since(call["answeredAt"]),
        "ended": since(call["endedAt"]),
        "stays": [
            (names[one["userId"]], since(one["joinedAt"]), since(one["leftAt"]))
            for one in call["participants"]
        ],
    }


async def test_who_comes_and_goes_has_one_stay_the_latest(calls: CallsApi, teller: Teller) -> None:
    scene = await build_scene(calls)
    stays = [
        (
            build_participant(
                scene.bob.device_id,
                joined_at=scene.began + timedelta(seconds=3 * number),
                sid=f"PA_bob_{number}",
            ),
            scene.began + timedelta(seconds=3 * number),
        )
        for number in range(1, 7)
    ]
    news = []
    for participant, at in stays:
        left = at + timedelta(seconds=2)
        news += [
            build_event("participant_joined", scene.call_id, at=at, participant=participant),
            build_event("participant_left", scene.call_id, at=left, participant=participant),
        ]
    # He is in the room; that he left it last time is told late.
    last_known = news.pop()
    await tell_all(calls, teller, scene.events[0], *news[:3], news[-1], *news[3:-1])
    call = await read_call(scene.alice, scene.call_id)
    assert describe_present(call) == {scene.alice.user_id: None, scene.bob.user_id: None}
    assert (call["status"], call["answeredAt"]) == (
        "active",
        format_time(scene.began + timedelta(seconds=3)),
    )
    rows = "SELECT count(*) FROM call_participants WHERE call_id = $1"
    assert await calls.api.postgres.fetchval(rows, UUID(scene.call_id)) == 2
    await tell_all(calls, teller, last_known)
    call = await read_call(scene.alice, scene.call_id)
    assert describe_present(call) == {
        scene.alice.user_id: None,
        scene.bob.user_id: format_time(scene.began + timedelta(seconds=20)),
    }


def describe_present(call: dict[str, Any]) -> dict[UUID, str | None]:
    """Return when each person left; fails where a person is named twice."""
    stays = {UUID(one["userId"]): one["leftAt"] for one in call["participants"]}
    assert len(stays) == len(call["participants"])
    return stays


async def test_two_devices_of_one_person_are_both_in_and_one_of_them_was(
    calls: CallsApi, teller: Teller
) -> None:
    scene = await build_scene(calls)
    tablet = await calls.api.enter("bob")
    at = scene.began + timedelta(seconds=5)
    second = build_participant(tablet.device_id, joined_at=at, sid="PA_tablet")
    joined = build_event("participant_joined", scene.call_id, at=at, participant=second)
    left = build_event(
        "participant_left", scene.call_id, at=at + timedelta(seconds=50), participant=second
    )
    seen = []
    for event in (scene.events[1], joined, scene.events[2], left):
        await tell_all(calls, teller, event)
        participants = (await read_call(scene.bob, scene.call_id))["participants"]
        seen.append([(one["deviceId"], one["leftAt"] is None) for one in participants])
    phone, other = str(scene.bob.device_id), str(tablet.device_id)
    assert seen == [
        [(phone, True)],
        [(phone, True), (other, True)],
        [(other, True)],
        [(other, False)],
    ]


async def test_a_room_that_closes_on_the_caller_alone_was_missed(
    calls: CallsApi, teller: Teller
) -> None:
    scene = await build_scene(calls)
    tablet = await calls.api.enter("alice")
    second = build_participant(tablet.device_id, joined_at=scene.began, sid="PA_tablet")
    joined = build_event("participant_joined", scene.call_id, at=scene.began, participant=second)
    # Another device of one's own is no answer.
    await tell_all(calls, teller, scene.events[0], joined, scene.events[3])
    assert (await read_call(scene.bob, scene.call_id))["status"] == "missed"


async def test_who_comes_after_the_end_changes_nothing(calls: CallsApi, teller: Teller) -> None:
    scene = await build_scene(calls)
    declined = (await scene.bob.call("POST", f"/v1/calls/{scene.call_id}/decline")).json()
    late = datetime.now(UTC) + timedelta(seconds=1)
    him = build_participant(scene.bob.device_id, joined_at=late, sid="PA_late")
    event = build_event("participant_joined", scene.call_id, at=late, participant=him)
    await tell_all(calls, teller, event)
    assert await read_call(scene.bob, scene.call_id) == declined


async def test_who_may_not_come_has_left_unless_the_media_server_takes_no_orders(
    calls: CallsApi, teller: Teller, postgres: Pool, api_bindings: Path
) -> None:
    scene = await build_scene(calls)
    assert (await scene.bob.call("DELETE", "/v1/sessions/current")).status_code == 204
    keys = {**calls.livekit.build_binding(), "url": f"ws://127.0.0.1:{probe_free_port()}"}
    write_binding(api_bindings, "livekit", keys)
    async with open_api(postgres, api_bindings) as without_media_server:
        told = await teller.tell(without_media_server, scene.events[1])
        assert told.status_code == 200
    # He is in the room, as far as anybody knows.
    call = await read_call(scene.alice, scene.call_id)
    assert describe_present(call) == {scene.bob.user_id: None}
    again = {**json.loads(scene.events[1]), "id": f"EV_{uuid4().hex}"}
    await tell_all(calls, teller, json.dumps(again).encode())
    call = await read_call(scene.alice, scene.call_id)
    assert describe_present(call)[scene.bob.user_id] is not None


async def test_what_concerns_nothing_of_ours_is_taken_and_left(
    calls: CallsApi, teller: Teller
) -> None:
    scene = await build_scene(calls)
    before = await read_call(scene.bob, scene.call_id)
    recorder = build_participant("EG_recorder", joined_at=scene.began, sid="PA_r")
    unknown = build_participant(create_id(), joined_at=scene.began, sid="PA_u")
    at = scene.began
    await tell_all(
        calls,
        teller,
        build_event("participant_joined", scene.call_id, at=at, participant=recorder),
        build_event("participant_joined", scene.call_id, at=at, participant=unknown),
        build_event("room_finished", "somebody-elses", at=at),
        build_event("track_published", scene.call_id, at=at),
        build_event("an_event_of_tomorrow", scene.call_id, at=at, news={"a": 1}),
    )
    assert await read_call(scene.bob, scene.call_id) == before


async def test_what_is_not_signed_by_the_media_server_is_refused(
    calls: CallsApi, teller: Teller
) -> None:
    scene = await build_scene(calls)
    before = await read_call(scene.bob, scene.call_id)
    body = scene.events[3]
    now = int(datetime.now(UTC).timestamp())
    forged = Teller(teller.key, "another secret of at least 32 bytes")
    unsigned = jwt.encode(
        jwt.decode(teller.sign(body), options={"verify_signature": False}), "", "none"
    )
    without_hash = jwt.encode({"iss": teller.key, "exp": now + 60}, teller.secret, "HS256")
    attempts = {
        "no token": "",
        "not a token": "Bearer of bad news",
        "another secret": forged.sign(body),
        "another key": Teller("key", teller.secret).sign(body),
        "another body": teller.sign(body + b" "),
        "no hash": without_hash,
        "no signature": unsigned,
        "expired": teller.sign(body, exp=now - 60),
        "not yet": teller.sign(body, nbf=now + 60),
        "never ends": teller.sign(body, exp=None),
        "room token": jwt.encode({"iss": teller.key, "exp": now + 60, "sub": "x"}, teller.secret),
    }
    for name, token in attempts.items():
        answer = await deliver(calls.api, body, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "webhook_refused"), name
        assert answer.headers["content-type"] == "application/problem+json"
    for hostile in (b"\xff\xfe", b"[]", b'{"room": 7}', b""):
        answer = await teller.tell(calls.api, hostile)
        assert answer.status_code in (200, 401), hostile
    assert await read_call(scene.bob, scene.call_id) == before
    assert (await teller.tell(calls.api, body)).status_code == 200


async def test_what_was_told_before_is_refused(calls: CallsApi, teller: Teller) -> None:
    scene = await build_scene(calls)
    body = scene.events[0]
    token = teller.sign(body)
    assert (await deliver(calls.api, body, token)).status_code == 200
    before = await read_call(scene.bob, scene.call_id)
    # The same bits in another spelling, and a signature made anew.
    for again in (token, f"{token}=", teller.sign(body, nbf=0)):
        answer = await deliver(calls.api, body, again)
        assert (answer.status_code, answer.json()["code"]) == (401, "webhook_refused")
    assert await read_call(scene.bob, scene.call_id) == before


async def test_a_change_is_published_and_a_repeat_is_not(
    calls: CallsApi, teller: Teller, redis_cache: RedisServer
) -> None:
    scene = await build_scene(calls)
    chat_id = (await read_call(scene.bob, scene.call_id))["chatId"]
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"sup:sup:chat:{chat_id}")
        await channel.get_message(timeout=5)
        for event in scene.events[:2]:
            again = json.dumps({**json.loads(event), "id": f"EV_{uuid4().hex}"}).encode()
            await tell_all(calls, teller, event, again)
        heard = [orjson.loads((await channel.get_message(timeout=5))["data"]) for _ in range(2)]
        assert await channel.get_message(timeout=0.3) is None
    await listener.aclose()
    assert [event["call"]["status"] for event in heard] == ["ringing", "active"]
    assert heard[1]["call"] == await read_call(scene.bob, scene.call_id)


async def test_without_redis_events_are_taken_all_the_same(
    calls: CallsApi, teller: Teller, postgres: Pool, api_bindings: Path, redis_state: RedisServer
) -> None:
    scene = await build_scene(calls)
    keys = {**build_redis_binding(redis_state), "port": str(probe_free_port())}
    write_binding(api_bindings, "redis-state", keys)
    async with open_api(postgres, api_bindings) as api:
        assert (await teller.tell(api, scene.events[0])).status_code == 200
    assert len((await read_call(scene.bob, scene.call_id))["participants"]) == 1


async def test_an_event_that_could_not_be_recorded_is_taken_when_it_comes_again(
    calls: CallsApi,
    teller: Teller,
    postgres: Pool,
    api_bindings: Path,
    postgres_server: PostgresServer,
    database: str,
) -> None:
    scene = await build_scene(calls)
    keys = build_postgres_binding(postgres_server, database)
    write_binding(api_bindings, "postgres", {**keys, "port": str(probe_free_port())})
    async with open_api(postgres, api_bindings) as without_database:
        answer = await teller.tell(without_database, scene.events[0])
        assert answer.status_code == 503
    assert (await teller.tell(calls.api, scene.events[0])).status_code == 200
    assert len((await read_call(scene.bob, scene.call_id))["participants"]) == 1
