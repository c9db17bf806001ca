"""Starting, joining, declining and ending calls over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from livekit.api import ListRoomsRequest, LiveKitAPI
from redis.asyncio import Redis
from support.api_service import Api, open_api
from support.bindings import write_binding
from support.call_service import CallsApi, join_call, read_call, start_call
from support.processes.redis import RedisServer
from support.processes.servers import probe_free_port

from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id

pytestmark = pytest.mark.services


async def list_rooms(calls: CallsApi) -> set[str]:
    livekit = calls.livekit
    async with LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as server:
        answer = await server.room.list_rooms(ListRoomsRequest())
    return {room.name for room in answer.rooms}


async def test_a_call_rings_for_both_and_has_a_room(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    answer = await alice.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": "audio"})
    assert answer.status_code == 201
    call = answer.json()
    assert call == {
        "id": call["id"],
        "chatId": str(chat_id),
        "kind": "audio",
        "status": "ringing",
        "initiatorId": str(alice.user_id),
        "startedAt": call["startedAt"],
        "answeredAt": None,
        "endedAt": None,
        "participants": [],
    }
    assert await read_call(bob, call["id"]) == call
    assert await list_rooms(calls) == {call["id"]}


async def test_a_chat_has_one_call_at_a_time_however_many_start_one(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    path = f"/v1/chats/{chat_id}/calls"
    answers = await asyncio.gather(
        *((alice, bob)[n % 2].call("POST", path, json={"kind": "video"}) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    (call_id,) = {answer.json()["id"] for answer in answers}
    assert await list_rooms(calls) == {call_id}


async def test_strangers_learn_nothing(calls: CallsApi) -> None:
    alice, _, chat_id = await calls.open_pair()
    eve = await calls.api.join("eve")
    call = await start_call(alice, chat_id)
    for method, path in (
        ("POST", f"/v1/chats/{chat_id}/calls"),
        ("GET", f"/v1/chats/{chat_id}/calls"),
    ):
        body = {"kind": "audio"} if method == "POST" else None
        answer = await eve.call(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
    for call_id in (call["id"], create_id()):
        for method, path in (
            ("GET", ""),
            ("POST", "/join"),
            ("POST", "/decline"),
            ("POST", "/end"),
        ):
            answer = await eve.call(method, f"/v1/calls/{call_id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "call_unknown")
    assert (await read_call(alice, call["id"]))["status"] == "ringing"


async def test_who_blocked_one_another_neither_call_nor_join(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    await calls.api.postgres.execute(
        "INSERT INTO blocked_users (user_id, blocked_id) VALUES ($1, $2)",
        bob.user_id,
        alice.user_id,
    )
    refused = await alice.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": "audio"})
    assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
    for person in (alice, bob):
        refused = await person.call("POST", f"/v1/calls/{call['id']}/join")
        assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
    # One can still put the telephone down.
    assert (await bob.call("POST", f"/v1/calls/{call['id']}/end")).json()["status"] == "missed"


async def test_only_administrators_call_in_a_channel(calls: CallsApi) -> None:
    alice, bob, _ = await calls.open_pair()
    chat_id = await add_chat(calls.api, "channel", {alice.user_id: "owner", bob.user_id: "member"})
    refused = await bob.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": "audio"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    call = await start_call(alice, chat_id)
    assert (await join_call(bob, call["id"]))["token"]
    refused = await bob.call("POST", f"/v1/calls/{call['id']}/end")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


async def add_chat(api: Api, kind: str, roles: dict[UUID, str]) -> UUID:
    chat_id = create_id()
    await api.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, $2)", chat_id, kind)
    for user_id, role in roles.items():
        await api.postgres.execute(
            "INSERT INTO chat_members (chat_id, user_id, role) VALUES ($1, $2, $3)",
            *(chat_id, user_id, role),
        )
    return chat_id


async def test_a_groups_call_is_declined_when_nobody_is_left_who_may_come(calls: CallsApi) -> None:
    alice, bob, _ = await calls.open_pair()
    carol = await calls.api.join("carol")
    roles = {alice.user_id: "member", bob.user_id: "member", carol.user_id: "member"}
    call = await start_call(alice, await add_chat(calls.api, "group", roles))
    path = f"/v1/calls/{call['id']}"
    own = await alice.call("POST", f"{path}/decline")
    assert (own.status_code, own.json()["code"]) == (409, "own_call")
    for _ in range(2):
        assert (await bob.call("POST", f"{path}/decline")).json()["status"] == "ringing"
    refused = await bob.call("POST", f"{path}/end")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    declined = (await carol.call("POST", f"{path}/decline")).json()
    assert declined["status"] == "declined"
    assert declined["endedAt"] is not None
    assert await list_rooms(calls) == set()
    # Said twice, it stays what it is.
    assert (await carol.call("POST", f"{path}/decline")).json() == declined
    assert (await alice.call("POST", f"{path}/end")).json() == declined


async def test_nobody_joins_what_is_over(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    ended = await alice.call("POST", f"/v1/calls/{call['id']}/end")
    assert (ended.status_code, ended.json()["status"]) == (200, "missed")
    refused = await bob.call("POST", f"/v1/calls/{call['id']}/join")
    assert (refused.status_code, refused.json()["code"]) == (409, "call_over")
    assert await list_rooms(calls) == set()
    assert (await start_call(bob, chat_id))["id"] != call["id"]


async def test_every_change_is_published_once(calls: CallsApi, redis_cache: RedisServer) -> None:
    alice, bob, chat_id = await calls.open_pair()
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"sup:sup:chat:{chat_id}")
        await channel.get_message(timeout=5)
        call = await start_call(alice, chat_id)
        await start_call(bob, chat_id)
        declined = (await bob.call("POST", f"/v1/calls/{call['id']}/decline")).json()
        await bob.call("POST", f"/v1/calls/{call['id']}/decline")
        heard = [orjson.loads((await channel.get_message(timeout=5))["data"]) for _ in range(2)]
        assert await channel.get_message(timeout=0.3) is None
    await listener.aclose()
    assert heard == [
        {"type": "call", "chat": str(chat_id), "call": state} for state in (call, declined)
    ]


async def test_the_history_is_read_in_pages_newest_first(calls: CallsApi) -> None:
    alice, bob, chat_id = await calls.open_pair()
    made: list[dict[str, Any]] = []
    for _ in range(3):
        call = await start_call(alice, chat_id)
        made.insert(0, (await bob.call("POST", f"/v1/calls/{call['id']}/end")).json())
    path = f"/v1/chats/{chat_id}/calls"
    first = (await bob.call("GET", path, params={"limit": 2})).json()
    assert first == {"calls": made[:2], "nextCursor": made[1]["id"]}
    second = (await bob.call("GET", path, params={"before": first["nextCursor"]})).json()
    assert second == {"calls": made[2:], "nextCursor": None}


async def test_a_kind_we_do_not_know_is_refused(calls: CallsApi) -> None:
    alice, _, chat_id = await calls.open_pair()
    refused = await alice.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": "hologram"})
    assert [error["field"] for error in refused.json()["errors"]] == ["kind"]
    assert refused.status_code == 422


async def check_messages_only(api: Api, status: int, code: str) -> None:
    """Assert that calls are refused and a message goes through all the same."""
    alice, bob = await api.join("alice"), await api.join("bob")
    chat_id = await alice.create_chat(bob)
    refused = await alice.call("POST", f"/v1/chats/{chat_id}/calls", json={"kind": "audio"})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    if status == 503:
        assert int(refused.headers["retry-after"]) > 0
    assert (await alice.send(chat_id)).status_code == 201
    assert (await api.client.get("/readyz")).status_code == 200
    history = (await alice.call("GET", f"/v1/chats/{chat_id}/calls")).json()
    assert history == {"calls": [], "nextCursor": None}


async def test_an_instance_without_a_media_server_says_so(api: Api) -> None:
    await check_messages_only(api, 404, "calls_unavailable")
    answer = await api.client.post("/internal/livekit/webhook", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (404, "calls_unavailable")


BINDING = {
    "type": "livekit",
    "public-url": "wss://chat.example.org/livekit",
    "api-key": "key",
    "api-secret": "s" * 32,
}


async def test_a_media_server_that_is_away_costs_no_message(
    postgres: Pool, api_bindings: Path
) -> None:
    keys = {**BINDING, "url": f"ws://127.0.0.1:{probe_free_port()}"}
    write_binding(api_bindings, "livekit", keys)
    async with open_api(postgres, api_bindings) as api:
        await check_messages_only(api, 503, "calls_unreachable")


async def test_a_media_server_that_refuses_our_keys_is_as_good_as_away(
    calls: CallsApi, postgres: Pool, api_bindings: Path
) -> None:
    write_binding(api_bindings, "livekit", {**BINDING, "url": calls.livekit.url})
    async with open_api(postgres, api_bindings) as api:
        await check_messages_only(api, 503, "calls_unreachable")


@pytest.mark.parametrize("change", [{"api-secret": ""}, {"url": "livekit:7880"}])
async def test_a_broken_binding_costs_calls_only(
    postgres: Pool, api_bindings: Path, change: dict[str, str]
) -> None:
    keys = {**BINDING, "url": "ws://127.0.0.1:7880", **change}
    write_binding(api_bindings, "livekit", keys)
    async with open_api(postgres, api_bindings) as api:
        await check_messages_only(api, 404, "calls_unavailable")
