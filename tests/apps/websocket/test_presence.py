"""Typing, receipts and presence: only members hear of them, and nothing is told twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from support.processes.redis import RedisServer
from support.socket_service import LIMITS, Person, Sockets, build_send, run_sockets
from support.waiting import wait_until

from supmessenger_common.bindings import read_redis
from supmessenger_common.redis_clients import open_redis

pytestmark = pytest.mark.services


async def test_typing_is_told_to_the_members(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    writer, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    for active in (True, False):
        await writer.send(type="typing", chat=chat, active=active)
        assert await peer.receive("typing") == {
            "type": "typing",
            "chat": str(chat),
            "user": str(anna.user_id),
            "active": active,
        }


async def test_a_stranger_cannot_type_into_a_chat(sockets: Sockets) -> None:
    _, bert, chat = await sockets.register_pair()
    peer = await sockets.log_in(bert)
    stranger = await sockets.log_in(await sockets.register("mallory"))
    error = await stranger.ask("error", type="typing", chat=chat, active=True)
    assert error["code"] == "not_a_member"
    await peer.sync()
    assert peer.unread == []


async def test_too_much_typing_is_dropped_in_silence(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    writer, peer = await sockets.log_in(anna), await sockets.log_in(bert)
    for _ in range(30):
        await writer.send(type="typing", chat=chat, active=True)
    # Both the last typing and the message went through the same channel, in this order.
    await writer.ask("sent", **build_send(chat))
    await peer.receive("message")
    told = [frame for frame in peer.unread if frame["type"] == "typing"]
    assert LIMITS.typing_burst <= len(told) < 15
    assert all(frame["type"] != "error" for frame in writer.unread)


async def test_a_receipt_is_answered_and_told(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 5)
    reader, peer = await sockets.log_in(bert), await sockets.log_in(anna)
    assert (await reader.ask("ok", type="read", ref=4, chat=chat, seq=3))["ref"] == 4
    expected = {"type": "read", "chat": str(chat), "user": str(bert.user_id), "seq": 3}
    assert await peer.receive("read") == expected


async def test_a_receipt_never_goes_back_and_is_told_once(sockets: Sockets) -> None:
    anna, bert, chat = await sockets.register_pair()
    await sockets.store_many(chat, anna, 5)
    reader, peer = await sockets.log_in(bert), await sockets.log_in(anna)
    for seq in (4, 2, 4, 99):
        await reader.ask("ok", type="read", ref=seq, chat=chat, seq=seq)
    assert [(await peer.receive("read"))["seq"] for _ in range(2)] == [4, 5]
    await peer.sync()
    assert [frame for frame in peer.unread if frame["type"] == "read"] == []


async def test_a_stranger_cannot_mark_a_chat_as_read(sockets: Sockets) -> None:
    _, _, chat = await sockets.register_pair()
    stranger = await sockets.log_in(await sockets.register("mallory"))
    error = await stranger.ask("error", type="read", ref=4, chat=chat, seq=1)
    assert (error["ref"], error["code"]) == (4, "not_a_member")


async def test_presence_is_told_now_and_at_each_change(sockets: Sockets) -> None:
    anna, bert, _ = await sockets.register_pair()
    watcher = await sockets.log_in(anna)
    await watcher.ask("ok", type="presence", ref=5, users=[bert.user_id])
    first = await watcher.receive("presence")
    assert (first["user"], first["status"]) == (str(bert.user_id), "offline")
    async with sockets.open() as client:
        await client.ask("ready", type="auth", token=sockets.issue_token(bert))
        assert await watcher.receive("presence") == {
            "type": "presence",
            "user": str(bert.user_id),
            "status": "online",
        }
    gone = await watcher.receive("presence")
    assert gone["status"] == "offline"
    assert gone["lastSeen"].endswith("Z")


async def test_presence_of_strangers_is_not_told(sockets: Sockets) -> None:
    anna, bert, _ = await sockets.register_pair()
    mallory = await sockets.register("mallory")
    watcher = await sockets.log_in(anna)
    users = [bert.user_id, mallory.user_id]
    error = await watcher.ask("error", type="presence", ref=5, users=users)
    assert (error["ref"], error["code"]) == (5, "not_acquainted")
    await watcher.sync()
    assert watcher.unread == []


async def test_a_new_list_of_watched_people_replaces_the_old(sockets: Sockets) -> None:
    anna, bert, _ = await sockets.register_pair()
    carol = await sockets.register("carol")
    await sockets.create_chat(anna, carol)
    watcher = await sockets.log_in(anna)
    await watcher.ask("ok", type="presence", ref=5, users=[bert.user_id])
    assert (await watcher.receive("presence"))["user"] == str(bert.user_id)
    await watcher.ask("ok", type="presence", ref=6, users=[carol.user_id])
    assert (await watcher.receive("presence"))["user"] == str(carol.user_id)
    await sockets.log_in(bert)
    await sockets.log_in(carol)
    online = await watcher.receive("presence")
    assert (online["user"], online["status"]) == (str(carol.user_id), "online")


async def test_a_user_stays_online_while_a_second_device_is_connected_elsewhere(
    sockets: Sockets, socket_bindings: Path, postgres_url: str
) -> None:
    anna, bert, _ = await sockets.register_pair()
    tablet = await sockets.add_device(bert.user_id)
    watcher = await sockets.log_in(anna)
    async with run_sockets(socket_bindings, postgres_url) as second:
        async with sockets.open() as phone, second.open() as other:
            await watcher.ask("ok", type="presence", ref=5, users=[bert.user_id])
            assert (await watcher.receive("presence"))["status"] == "offline"
            await phone.ask("ready", type="auth", token=sockets.issue_token(bert))
            assert (await watcher.receive("presence"))["status"] == "online"
            await other.ask("ready", type="auth", token=sockets.issue_token(tablet))
            await wait_for_processes(sockets, bert, 2)
            await phone.raw.close()
            await wait_for_processes(sockets, bert, 1)
            await watcher.sync()
            assert watcher.unread == []
        assert (await watcher.receive("presence"))["status"] == "offline"


async def wait_for_processes(sockets: Sockets, person: Person, count: int) -> None:
    binding = read_redis(sockets.settings.service_binding_root, "redis-cache")
    redis = open_redis(binding, client_name="test")

    async def holds() -> bool:
        return bool(await redis.zcard(f"presence:{person.user_id}") == count)

    await wait_until(holds, what=f"presence on {count} processes")
    await redis.aclose()


async def test_a_process_that_died_is_found_out(
    socket_bindings: Path, postgres_url: str, redis_cache: RedisServer
) -> None:
    limits = replace(LIMITS, presence_refresh_seconds=0.1, presence_ttl_seconds=1.0)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, _ = await sockets.register_pair()
        watcher = await sockets.log_in(anna)
        async with Redis.from_url(redis_cache.url) as redis:
            # What a process leaves that is killed: its word, which ends.
            ends = (await redis.time())[0] + 6
            await redis.zadd(f"presence:{bert.user_id}", {"killed": ends})
        await watcher.ask("ok", type="presence", ref=5, users=[bert.user_id])
        assert (await watcher.receive("presence"))["status"] == "online"
        assert (await watcher.receive("presence"))["status"] == "offline"


async def test_presence_is_renewed_before_it_ends(
    socket_bindings: Path, postgres_url: str, redis_cache: RedisServer
) -> None:
    # A machine with other work may be late, but not by as much as this.
    limits = replace(LIMITS, presence_refresh_seconds=0.1, presence_ttl_seconds=3.0)
    async with run_sockets(socket_bindings, postgres_url, limits=limits) as sockets:
        anna, bert, _ = await sockets.register_pair()
        await sockets.log_in(bert)
        watcher = await sockets.log_in(anna)
        await watcher.ask("ok", type="presence", ref=5, users=[bert.user_id])
        assert (await watcher.receive("presence"))["status"] == "online"
        with pytest.raises(TimeoutError):
            await watcher.receive("presence", seconds=4)
