"""Creating, listing and reading chats."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from support.api_service import Api
from support.processes.redis import RedisServer

from supmessenger_common.identifiers import create_id

pytestmark = pytest.mark.services


async def test_a_pair_has_one_direct_chat(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    body = {"type": "direct", "memberIds": [str(bob.user_id)]}
    created = await alice.call("POST", "/v1/chats", json=body)
    assert created.status_code == 201
    assert {item["userId"] for item in created.json()["members"]} == {
        str(alice.user_id),
        str(bob.user_id),
    }
    body = {"type": "direct", "memberIds": [str(bob.user_id), str(alice.user_id)]}
    found = await bob.call("POST", "/v1/chats", json=body)
    assert (found.status_code, found.json()) == (200, created.json())


async def test_parallel_creations_from_both_sides_give_one_chat(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    found = await asyncio.gather(
        *(person.create_chat(peer) for person, peer in [(alice, bob), (bob, alice)] * 5)
    )
    assert len(set(found)) == 1


async def test_both_members_hear_of_a_new_chat_once(api: Api, redis_cache: RedisServer) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channels:
        await channels.psubscribe("sup:sup:user:*")
        await channels.get_message(timeout=5)
        chat_id = await alice.create_chat(bob)
        await bob.create_chat(alice)
        heard = [await channels.get_message(timeout=5) for _ in range(2)]
        assert {item["channel"].decode() for item in heard} == {
            f"sup:sup:user:{alice.user_id}",
            f"sup:sup:user:{bob.user_id}",
        }
        assert {item["data"] for item in heard} == {
            b'{"type":"chat","chat":"%b"}' % str(chat_id).encode()
        }
        assert await channels.get_message(timeout=0.2) is None
    await listener.aclose()


async def test_a_direct_chat_needs_one_other_user_who_exists(api: Api) -> None:
    alice = await api.join("alice")
    for members, status, code in (
        ([str(alice.user_id)], 422, "members_refused"),
        ([str(create_id()), str(create_id())], 422, "members_refused"),
        ([str(create_id())], 404, "user_unknown"),
        ([], 422, "validation_failed"),
    ):
        body = {"type": "direct", "memberIds": members}
        answer = await alice.call("POST", "/v1/chats", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_is_blocked_cannot_begin_a_chat(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    await api.postgres.execute(
        "INSERT INTO blocked_users (user_id, blocked_id) VALUES ($1, $2)",
        alice.user_id,
        bob.user_id,
    )
    body = {"type": "direct", "memberIds": [str(alice.user_id)]}
    answer = await bob.call("POST", "/v1/chats", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")


@pytest.mark.parametrize("blocker", ["alice", "bob"])
async def test_a_block_ends_the_chat_a_pair_has(api: Api, blocker: str) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    chat_id = await alice.create_chat(bob)
    kept = {"clientMsgId": str(create_id())}
    assert (await bob.send(chat_id, **kept)).status_code == 201
    pair = (alice, bob) if blocker == "alice" else (bob, alice)
    query = "INSERT INTO blocked_users (user_id, blocked_id) VALUES ($1, $2)"
    await api.postgres.execute(query, *(person.user_id for person in pair))
    for person in pair:
        answer = await person.send(chat_id)
        assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    # What was sent before is still there, and a retry of it is told so.
    assert (await bob.send(chat_id, **kept)).status_code == 200
    history = (await alice.call("GET", f"/v1/chats/{chat_id}/messages")).json()
    assert [message["seq"] for message in history["messages"]] == [1]


async def test_a_block_leaves_groups_alone(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    chat_id = create_id()
    await api.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'group')", chat_id)
    for person in (alice, bob):
        query = "INSERT INTO chat_members (chat_id, user_id) VALUES ($1, $2)"
        await api.postgres.execute(query, chat_id, person.user_id)
    query = "INSERT INTO blocked_users (user_id, blocked_id) VALUES ($1, $2)"
    await api.postgres.execute(query, alice.user_id, bob.user_id)
    assert (await bob.send(chat_id)).status_code == 201


async def test_a_stranger_sees_no_chat(api: Api) -> None:
    alice, bob, eve = [await api.join(name) for name in ("alice", "bob", "eve")]
    chat_id = await alice.create_chat(bob)
    for chat in (chat_id, create_id()):
        answer = await eve.call("GET", f"/v1/chats/{chat}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
    assert (await eve.call("GET", "/v1/chats")).json() == {"chats": [], "nextCursor": None}


async def test_chats_are_listed_in_pages_with_their_counters(api: Api) -> None:
    alice = await api.join("alice")
    peers = [await api.join(name) for name in ("bob", "carol", "dave")]
    chats = [await alice.create_chat(peer) for peer in peers]
    await peers[0].send(chats[0])
    await alice.call("PUT", f"/v1/chats/{chats[0]}/read", json={"seq": 1})
    first = (await alice.call("GET", "/v1/chats", params={"limit": 2})).json()
    assert [chat["id"] for chat in first["chats"]] == [str(chat) for chat in chats[:2]]
    assert (first["chats"][0]["lastSeq"], first["chats"][0]["lastReadSeq"]) == (1, 1)
    query = {"limit": 2, "after": first["nextCursor"]}
    rest = (await alice.call("GET", "/v1/chats", params=query)).json()
    assert [chat["id"] for chat in rest["chats"]] == [str(chats[2])]
    assert rest["nextCursor"] is None
