"""Who may stay on a socket, and for how long."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.processes.redis import RedisServer
from support.socket_service import LIMITS, Sockets, end_subscriptions, run_sockets

from supmessenger_common.auth import ACCESS_LIFETIME, CLOCK_SKEW
from supmessenger_common.bindings import read_redis
from supmessenger_common.identifiers import read_clock
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import open_redis
from supmessenger_common.sessions import mark_revoked, revoke_session

pytestmark = pytest.mark.services
# What is left of a token's life when it is shown: enough for a busy machine, and not too long to
# wait for its end.
REST = timedelta(seconds=6)
ALMOST = ACCESS_LIFETIME + CLOCK_SKEW - REST


async def test_a_valid_token_makes_the_socket_ready(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    async with sockets.open() as client:
        ready = await client.ask("ready", type="auth", ref=1, token=sockets.issue_token(anna))
    assert ready["ref"] == 1
    assert ready["user"] == str(anna.user_id)
    assert ready["device"] == str(anna.device_id)
    assert ready["session"] == str(anna.session_id)
    assert ready["heartbeatSeconds"] == LIMITS.ping_seconds
    assert ready["serverTime"].endswith("Z")


async def test_an_expired_token_is_refused_with_4401(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    async with sockets.open() as client:
        token = sockets.issue_token(anna, age=timedelta(minutes=16))
        error = await client.ask("error", type="auth", ref=1, token=token)
        assert (error["ref"], error["code"]) == (1, "token_expired")
        assert await client.wait_closed() == 4401


async def test_a_foreign_token_is_refused_with_4401(sockets: Sockets) -> None:
    async with sockets.open() as client:
        error = await client.ask("error", type="auth", ref=1, token="a.b.c")
        assert error["code"] == "token_invalid"
        assert await client.wait_closed() == 4401


async def test_another_frame_before_auth_closes_with_4401(sockets: Sockets) -> None:
    async with sockets.open() as client:
        await client.send(type="ping", ref=1)
        assert await client.wait_closed() == 4401
        assert client.unread == []


async def test_nonsense_before_auth_closes_with_4401(sockets: Sockets) -> None:
    async with sockets.open() as client:
        await client.raw.send("nonsense")
        assert await client.wait_closed() == 4401


async def test_no_auth_in_time_closes_with_4408(socket_bindings: Path, postgres_url: str) -> None:
    limits = replace(LIMITS, auth_seconds=0.2)
    async with (
        run_sockets(socket_bindings, postgres_url, limits=limits) as sockets,
        sockets.open() as client,
    ):
        assert await client.wait_closed() == 4408


async def test_the_socket_ends_with_its_token(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    async with sockets.open() as client:
        token = sockets.issue_token(anna, age=ALMOST)
        await client.ask("ready", type="auth", ref=1, token=token)
        assert await client.wait_closed() == 4401


async def test_a_fresh_token_keeps_the_socket(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    async with sockets.open() as client:
        token = sockets.issue_token(anna, age=ALMOST)
        await client.ask("ready", type="auth", ref=1, token=token)
        await client.ask("ready", type="auth", ref=2, token=sockets.issue_token(anna))
        with pytest.raises(TimeoutError):
            await client.wait_closed(seconds=(REST + timedelta(seconds=1)).total_seconds())
        assert (await client.ask("pong", type="ping", ref=3))["ref"] == 3


async def test_a_token_of_another_session_cannot_take_over_a_socket(sockets: Sockets) -> None:
    anna, bert = await sockets.register("anna"), await sockets.register("bert")
    client = await sockets.log_in(anna)
    error = await client.ask("error", type="auth", ref=2, token=sockets.issue_token(bert))
    assert error["code"] == "other_session"
    assert await client.wait_closed() == 4401


async def test_a_revoked_session_is_refused_with_4403(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    await revoke_session(sockets.pool, anna.session_id, reason="test", now=read_clock())
    async with sockets.open() as client:
        error = await client.ask("error", type="auth", ref=1, token=sockets.issue_token(anna))
        assert error["code"] == "session_revoked"
        assert await client.wait_closed() == 4403


async def test_revoking_a_session_closes_its_socket_within_a_second(sockets: Sockets) -> None:
    anna, bert = await sockets.register("anna"), await sockets.register("bert")
    client, other = await sockets.log_in(anna), await sockets.log_in(bert)
    await revoke_session(sockets.pool, anna.session_id, reason="test", now=read_clock())
    state = open_redis(
        read_redis(sockets.settings.service_binding_root, "redis-state"), client_name="t"
    )
    cache = open_redis(
        read_redis(sockets.settings.service_binding_root, "redis-cache"), client_name="t"
    )
    await mark_revoked(state, anna.session_id)
    await Publisher(cache, "sup").publish_revoked(anna.session_id)
    assert await client.wait_closed(seconds=1) == 4403
    await other.sync()
    await state.aclose()
    await cache.aclose()


async def test_a_newer_socket_of_the_device_replaces_the_older(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    older = await sockets.log_in(anna)
    newer = await sockets.log_in(anna)
    assert await older.wait_closed() == 4409
    await newer.sync()


async def test_a_newer_socket_on_another_process_replaces_the_older(
    sockets: Sockets, socket_bindings: Path, postgres_url: str
) -> None:
    anna = await sockets.register("anna")
    older = await sockets.log_in(anna)
    async with run_sockets(socket_bindings, postgres_url) as second:
        newer = await second.log_in(anna)
        assert await older.wait_closed() == 4409
        await newer.sync()


async def test_two_devices_of_a_user_stay_side_by_side(sockets: Sockets) -> None:
    anna = await sockets.register("anna")
    phone = await sockets.log_in(anna)
    laptop = await sockets.log_in(await sockets.add_device(anna.user_id))
    await phone.sync()
    await laptop.sync()


async def test_a_revocation_whose_hint_was_lost_is_found_after_redis_was_away(
    sockets: Sockets, redis_cache: RedisServer
) -> None:
    anna = await sockets.register("anna")
    client = await sockets.log_in(anna)
    await revoke_session(sockets.pool, anna.session_id, reason="test", now=read_clock())
    await client.sync()
    await end_subscriptions(redis_cache)
    assert await client.wait_closed(seconds=5) == 4403
