"""Resume and healing: nothing is missed, or the client is told so."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.processes.redis import RedisServer
from support.socket_service import LIMITS, Sockets, build_send, end_subscriptions, run_sockets

from supmessenger_common.identifiers import create_id

pytestmark = pytest.mark.services


async def test_what_was_missed_while_away_is_recovered_in_order(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender = await sockets.log_in(anna)
    async with sockets.open() as peer:
        await peer.ask("ready", type="auth", token=sockets.issue_token(bert))
        await peer.ask("resumed", type="resume", chats=[])
        await sender.ask("sent", **build_send(chat, "seen"))
        assert await peer.receive_messages(1) == [1]
    for number in range(130):
        await sockets.store(chat, anna, str(number))
    again = await sockets.log_in(bert, resume=False)
    position = {"chat": chat, "seq": 1}
    resumed = await again.ask("resumed", type="resume", ref=2, chats=[position])
    assert resumed == {
        "type": "resumed",
        "ref": 2,
        "chats": [{"chat": str(chat), "status": "recovered", "seq": 131}],
    }
    assert await again.receive_messages(130) == list(range(2, 132))
    await sender.ask("sent", **build_send(chat, "live"))
    assert await again.receive_messages(1) == [132]


async def test_an_empty_list_starts_at_what_was_read(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 10)
    client = await sockets.log_in(bert, resume=False)
    await client.ask("ok", type="read", ref=1, chat=chat, seq=7)
    resumed = await client.ask("resumed", type="resume", ref=2, chats=[])
    assert resumed["chats"] == [{"chat": str(chat), "status": "recovered", "seq": 10}]
    assert await client.receive_messages(3) == [8, 9, 10]


async def test_more_than_a_thousand_missed_is_a_reset(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 1002)
    sender, client = await sockets.log_in(anna), await sockets.log_in(bert, resume=False)
    position = {"chat": chat, "seq": 1}
    resumed = await client.ask("resumed", type="resume", ref=2, chats=[position])
    assert resumed["chats"] == [{"chat": str(chat), "status": "reset", "seq": 1002}]
    await client.sync()
    assert client.unread == []
    await sender.ask("sent", **build_send(chat))
    assert await client.receive_messages(1) == [1003]


async def test_a_thousand_missed_are_recovered(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 1000)
    client = await sockets.log_in(bert, resume=False)
    resumed = await client.ask("resumed", type="resume", chats=[{"chat": chat, "seq": 0}])
    assert resumed["chats"][0]["status"] == "recovered"
    assert await client.receive_messages(1000) == list(range(1, 1001))


async def test_a_chat_of_others_is_gone(sockets: Sockets) -> None:
    anna, _, chat = await sockets.register_pair()
    await sockets.store(chat, anna)
    stranger = await sockets.log_in(await sockets.register("mallory"), resume=False)
    resumed = await stranger.ask("resumed", type="resume", chats=[{"chat": chat, "seq": 0}])
    assert resumed["chats"] == [{"chat": str(chat), "status": "gone", "seq": 0}]
    sender = await sockets.log_in(anna)
    await sender.ask("sent", **build_send(chat))
    await stranger.sync()
    assert stranger.unread == []


async def test_a_second_resume_sends_again_from_the_asked_place(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 5)
    client = await sockets.log_in(bert)
    assert await client.receive_messages(5) == [1, 2, 3, 4, 5]
    await client.ask("resumed", type="resume", chats=[{"chat": chat, "seq": 3}])
    assert await client.receive_messages(2) == [4, 5]


async def test_resuming_while_others_write_leaves_no_gap(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender = await sockets.log_in(anna)
    await sockets.store_many(chat, anna, 300)

    async def write() -> None:
        for number in range(60):
            await sender.ask("sent", **build_send(chat, str(number)))

    writing = asyncio.create_task(write())
    for start in (0, 150, 290):
        async with sockets.open() as client:
            await client.ask("ready", type="auth", token=sockets.issue_token(bert))
            await client.ask("resumed", type="resume", chats=[{"chat": chat, "seq": start}])
            assert await client.receive_messages(310 - start) == list(range(start + 1, 311))
    last = await sockets.log_in(bert, resume=False)
    await last.send(type="resume", chats=[{"chat": chat, "seq": 0}])
    await writing
    assert await last.receive_messages(360) == list(range(1, 361))


async def test_a_lost_hint_is_healed(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    client = await sockets.log_in(bert)
    stored = await sockets.store(chat, anna, "nobody was told")
    message = await client.receive("message", seconds=6)
    assert (message["seq"], message["content"]) == (stored.seq, "nobody was told")


async def test_the_next_message_heals_a_lost_hint_at_once(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    sender, client = await sockets.log_in(anna), await sockets.log_in(bert)
    await sockets.store(chat, anna, "nobody was told")
    await sender.ask("sent", **build_send(chat, "told"))
    assert (await client.receive("message", seconds=2))["content"] == "nobody was told"
    assert (await client.receive("message", seconds=2))["content"] == "told"


async def test_hints_lost_with_the_connection_to_redis_are_healed_at_once(
    socket_bindings: Path, postgres_url: str, redis_cache: RedisServer
) -> None:
    limits = replace(LIMITS, heal_seconds=60)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, chat = await sockets.register_pair()
        sender, client = await sockets.log_in(anna), await sockets.log_in(bert)
        await sockets.store(chat, anna, "nobody was told")
        await end_subscriptions(redis_cache)
        assert (await client.receive("message", seconds=5))["content"] == "nobody was told"
        await sender.ask("sent", **build_send(chat, "told"))
        assert (await client.receive("message", seconds=5))["content"] == "told"


async def test_a_database_that_went_back_resets_the_chat(
    socket_bindings: Path, postgres_url: str
) -> None:
    limits = replace(LIMITS, heal_seconds=0.2)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, chat = await sockets.register_pair()
        sender, client = await sockets.log_in(anna), await sockets.log_in(bert)
        for number in range(3):
            await sender.ask("sent", **build_send(chat, str(number)))
        assert await client.receive_messages(3) == [1, 2, 3]
        await sockets.pool.execute("DELETE FROM messages WHERE chat_id = $1 AND seq > 1", chat)
        await sockets.pool.execute("UPDATE chats SET last_seq = 1 WHERE id = $1", chat)
        assert await client.receive("reset") == {"type": "reset", "chat": str(chat), "seq": 1}
        await sender.ask("sent", **build_send(chat, "after"))
        assert await client.receive_messages(1) == [2]


async def test_a_member_who_was_removed_receives_no_more(
    socket_bindings: Path, postgres_url: str
) -> None:
    limits = replace(LIMITS, heal_seconds=0.05)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, chat = await sockets.register_pair()
        other = await sockets.create_chat(bert)
        sender, client = await sockets.log_in(anna), await sockets.log_in(bert)
        await sockets.pool.execute(
            "DELETE FROM chat_members WHERE chat_id = $1 AND user_id = $2", chat, bert.user_id
        )
        later = await sockets.create_chat(anna, bert)
        # The same round that finds the new chat leaves the old one.
        assert (await client.receive("chat"))["chat"] == str(later)
        await sender.ask("sent", **build_send(chat))
        await client.ask("sent", **build_send(other))
        assert (await client.receive("message"))["chat"] == str(other)


async def test_too_many_chats_at_once_are_refused(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    client = await sockets.log_in(anna, resume=False)
    chats = [{"chat": create_id(), "seq": 0} for _ in range(1001)]
    error = await client.ask("error", type="resume", ref=5, chats=chats)
    assert (error["ref"], error["code"]) == (5, "too_many")
