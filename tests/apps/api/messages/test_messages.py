"""Sending messages, reading the history, moving the read pointer."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from redis.asyncio import Redis
from support.api_service import Api, Person
from support.processes.redis import RedisServer

from supmessenger_common.identifiers import create_id, encode_bytes

pytestmark = pytest.mark.services

LIMIT = 96 * 1024


async def read(person: Person, chat_id: UUID, **query: int) -> dict[str, Any]:
    answer = await person.call("GET", f"/v1/chats/{chat_id}/messages", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def list_seqs(person: Person, chat_id: UUID, **query: int) -> tuple[list[int], int | None]:
    page = await read(person, chat_id, **query)
    return [message["seq"] for message in page["messages"]], page["nextCursor"]


async def open_pair(api: Api) -> tuple[Person, Person, UUID]:
    alice, bob = await api.join("alice"), await api.join("bob")
    return alice, bob, await alice.create_chat(bob)


async def test_a_sent_message_is_in_the_history_of_both(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)
    sent = await alice.send(chat_id, "häl\nlo")
    assert sent.status_code == 201
    answer = sent.json()
    assert (answer["chatId"], answer["seq"]) == (str(chat_id), 1)
    expected = {
        "messages": [
            {
                "chat": str(chat_id),
                "seq": 1,
                "id": answer["id"],
                "sender": str(alice.user_id),
                "senderDevice": str(alice.device_id),
                "sentAt": answer["sentAt"],
                "contentType": "text/plain",
                "content": "häl\nlo",
            }
        ],
        "nextCursor": None,
    }
    assert await read(alice, chat_id) == await read(bob, chat_id) == expected


async def test_a_stranger_neither_sends_nor_reads(api: Api) -> None:
    alice, _, chat_id = await open_pair(api)
    await alice.send(chat_id)
    eve = await api.join("eve")
    path = f"/v1/chats/{chat_id}"
    for answer in (
        await eve.send(chat_id),
        await eve.send(create_id()),
        await eve.call("GET", f"{path}/messages"),
        await eve.call("PUT", f"{path}/read", json={"seq": 1}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
    assert await list_seqs(alice, chat_id) == ([1], None)


async def test_the_same_client_id_in_parallel_stores_one_message(api: Api) -> None:
    alice, _, chat_id = await open_pair(api)
    client_id = str(uuid4())
    answers = await asyncio.gather(*(alice.send(chat_id, clientMsgId=client_id) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    assert await list_seqs(alice, chat_id) == ([1], None)
    assert (await alice.send(chat_id)).json()["seq"] == 2


async def test_client_ids_belong_to_their_device(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)
    other = await api.enter("alice")
    client_id = str(uuid4())
    seqs = [
        (await person.send(chat_id, clientMsgId=client_id)).json()["seq"]
        for person in (alice, bob, other)
    ]
    assert seqs == [1, 2, 3]


async def test_a_client_id_of_another_chat_is_refused(api: Api) -> None:
    alice, _, chat_id = await open_pair(api)
    carol = await api.join("carol")
    client_id = str(uuid4())
    await alice.send(chat_id, clientMsgId=client_id)
    answer = await alice.send(await alice.create_chat(carol), clientMsgId=client_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "client_msg_id_reused")


async def test_parallel_writers_leave_no_gap(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)

    async def write(person: Person, number: int) -> int:
        # Every fourth is sent twice: retries must not cost a number either.
        client_id = str(uuid4())
        answer, *_ = await asyncio.gather(
            *(
                person.send(chat_id, str(number), clientMsgId=client_id)
                for _ in range(2 if number % 4 == 0 else 1)
            )
        )
        return int(answer.json()["seq"])

    writers = [write((alice, bob)[number % 2], number) for number in range(64)]
    assert sorted(await asyncio.gather(*writers)) == list(range(1, 65))
    assert await list_seqs(bob, chat_id, limit=100) == (list(range(1, 65)), None)
    chat = (await bob.call("GET", f"/v1/chats/{chat_id}")).json()
    assert chat["lastSeq"] == 64


async def test_history_is_read_in_pages_both_ways(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)
    for number in range(7):
        await alice.send(chat_id, str(number))
    assert await list_seqs(bob, chat_id, limit=3) == ([5, 6, 7], 5)
    assert await list_seqs(bob, chat_id, limit=3, before=5) == ([2, 3, 4], 2)
    assert await list_seqs(bob, chat_id, limit=3, before=2) == ([1], None)
    assert await list_seqs(bob, chat_id, limit=3, after=0) == ([1, 2, 3], 3)
    assert await list_seqs(bob, chat_id, limit=4, after=3) == ([4, 5, 6, 7], None)
    assert await list_seqs(bob, chat_id, after=2, before=5) == ([3, 4], None)
    assert await list_seqs(bob, chat_id, after=7) == ([], None)


async def test_history_before_ones_joining_is_not_shown(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)
    for _ in range(3):
        await alice.send(chat_id)
    await api.postgres.execute(
        "UPDATE chat_members SET joined_seq = 2 WHERE user_id = $1", bob.user_id
    )
    assert await list_seqs(bob, chat_id, after=0) == ([3], None)
    assert await list_seqs(bob, chat_id) == ([3], None)


def build_entry(person: Person, ciphertext: bytes) -> dict[str, Any]:
    return {"deviceId": str(person.device_id), "type": 3, "ciphertext": encode_bytes(ciphertext)}


async def test_each_device_sees_its_own_ciphertext_only(api: Api, redis_cache: RedisServer) -> None:
    alice, bob, chat_id = await open_pair(api)
    tablet = await api.enter("alice")
    for person in (alice, bob, tablet):
        await person.publish_keys()
    entries = [build_entry(bob, b"for bob"), build_entry(tablet, b"for the tablet")]
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"sup:sup:chat:{chat_id}")
        await channel.get_message(timeout=5)
        sent = await alice.send(chat_id, "", recipients=entries)
        assert sent.status_code == 201
        hint = await channel.get_message(timeout=5)
    await listener.aclose()
    assert orjson.loads(hint["data"])["recipients"] == entries
    for person, expected in ((bob, entries[0]), (tablet, entries[1]), (alice, None)):
        (message,) = (await read(person, chat_id))["messages"]
        assert message.get("recipient") == expected


async def test_recipients_that_are_not_the_active_devices_are_refused(api: Api) -> None:
    alice, bob, chat_id = await open_pair(api)
    gone, tablet = await api.enter("bob"), await api.enter("alice")
    for person in (alice, bob, gone, tablet):
        await person.publish_keys()
    await api.enter("bob")  # without keys nobody can encrypt to it: it takes no part
    await gone.call("DELETE", "/v1/sessions/current")
    entries = [build_entry(bob, b"x"), build_entry(gone, b"x")]
    answer = await alice.send(chat_id, recipients=entries)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "device_mismatch"
    assert problem["missing"] == [str(tablet.device_id)]
    assert problem["extra"] == [str(gone.device_id)]
    own = [build_entry(bob, b"x"), build_entry(tablet, b"x"), build_entry(alice, b"x")]
    assert (await alice.send(chat_id, recipients=own)).json()["extra"] == [str(alice.device_id)]
    twice = [build_entry(bob, b"x"), build_entry(bob, b"x"), build_entry(tablet, b"x")]
    assert (await alice.send(chat_id, recipients=twice)).json()["code"] == "recipients_repeated"
    assert await list_seqs(alice, chat_id) == ([], None)


async def test_a_reply_must_be_to_a_message_of_the_chat(api: Api) -> None:
    alice, _, chat_id = await open_pair(api)
    carol = await api.join("carol")
    elsewhere = (await alice.send(await alice.create_chat(carol))).json()["id"]
    first = (await alice.send(chat_id)).json()["id"]
    assert (await alice.send(chat_id, replyTo=first)).status_code == 201
    assert (await read(alice, chat_id))["messages"][1]["replyTo"] == first
    for unknown in (elsewhere, str(create_id())):
        answer = await alice.send(chat_id, replyTo=unknown)
        assert (answer.status_code, answer.json()["code"]) == (422, "reply_to_unknown")
    assert await list_seqs(alice, chat_id) == ([1, 2], None)


async def test_content_may_have_96_kib(api: Api) -> None:
    alice, _, chat_id = await open_pair(api)
    assert (await alice.send(chat_id, "é" * (LIMIT // 2))).status_code == 201
    for refused in ("é" * (LIMIT // 2) + "x", "a\x00b"):
        answer = await alice.send(chat_id, refused)
        assert [error["field"] for error in answer.json()["errors"]] == ["content"]


async def test_only_administrators_write_in_a_channel_and_it_is_searchable(api: Api) -> None:
    alice, bob, _ = await open_pair(api)
    chat_id = create_id()
    await api.postgres.execute("INSERT INTO chats (id, type) VALUES ($1, 'channel')", chat_id)
    for person, role in ((alice, "owner"), (bob, "member")):
        await api.postgres.execute(
            "INSERT INTO chat_members (chat_id, user_id, role) VALUES ($1, $2, $3)",
            chat_id,
            person.user_id,
            role,
        )
    assert (await alice.send(chat_id, "harvest festival")).status_code == 201
    refused = await bob.send(chat_id)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    found = await api.postgres.fetchval(
        "SELECT count(*) FROM messages WHERE search_vector @@ to_tsquery('simple', 'festival')"
    )
    assert found == 1


async def test_the_read_pointer_moves_forward_only_and_tells_the_peers(
    api: Api, redis_cache: RedisServer
) -> None:
    alice, bob, chat_id = await open_pair(api)
    for _ in range(3):
        await alice.send(chat_id)
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"sup:sup:chat:{chat_id}")
        await channel.get_message(timeout=5)
        for seq, reached in ((2, 2), (1, 2), (2, 2), (999, 3)):
            answer = await bob.call("PUT", f"/v1/chats/{chat_id}/read", json={"seq": seq})
            assert answer.json() == {"chatId": str(chat_id), "seq": reached}
        heard = [await channel.get_message(timeout=5) for _ in range(2)]
        assert [orjson.loads(item["data"]) for item in heard] == [
            {"type": "read", "chat": str(chat_id), "user": str(bob.user_id), "seq": seq}
            for seq in (2, 3)
        ]
        assert await channel.get_message(timeout=0.2) is None
    await listener.aclose()
    chat = (await bob.call("GET", f"/v1/chats/{chat_id}")).json()
    assert chat["lastReadSeq"] == 3
