"""From a stored message to the providers, through the real broker; they are stood in for."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import REGISTRY
from support.bindings import write_binding
from support.push_scene import Scene, announce, run, say_connected, subscribe
from support.push_sink import PushSink
from support.waiting import wait_until
from support.web_push import Browser
from support.worker_service import Jobs, Worker, run_worker

from supmessenger_common.identifiers import create_id, decode_bytes, read_clock
from supmessenger_common.push.sealing import TokenSeal

pytestmark = pytest.mark.services


async def test_devices_of_the_others_are_woken_without_a_word_of_what_was_said(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob, cem = [await scene.join(name) for name in ("ada", "bob", "cem")]
    chat = await scene.chat(ada[0], bob[0], cem[0])
    browser = Browser()
    await scene.register(ada[1], "fcm", "adas-phone")
    await scene.register(bob[1], "fcm", "bobs-phone")
    await scene.register(cem[1], "web_push", subscribe(browser, f"{sink.url}/web-push/cems"))
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
    assert sorted(push.to for push in sink.find()) == ["bobs-phone", "cems"]
    everything = b"".join(push.body for push in sink.find())
    for word in (b"secret", str(chat).encode(), b"ada"):
        assert word not in everything
    (phone,) = sink.find("bobs-phone")
    assert phone.message["data"] == {"type": "message"}
    assert phone.message["android"]["ttl"] == "86400s"
    assert phone.message["android"]["collapse_key"]
    (web,) = sink.find("cems")
    assert orjson.loads(browser.decrypt(web.body)) == {"type": "message", "chat": str(chat)}
    assert (web.headers["content-encoding"], web.headers["ttl"]) == ("aes128gcm", "86400")
    assert len(web.headers["topic"]) <= 32
    check_signature(web.headers["authorization"], sink.url, binding_root)


def check_signature(header: str, origin: str, bindings: Path) -> None:
    scheme, _, rest = header.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    point = (bindings / "web-push/public-key").read_text().strip()
    assert (scheme, parts["k"]) == ("vapid", point)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode_bytes(point))
    claims = jwt.decode(parts["t"], key, algorithms=["ES256"], audience=origin)
    assert claims["sub"] == "mailto:admin@example.org"


async def test_several_messages_of_a_chat_become_one(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    payloads = [await scene.write(chat, ada, seq) for seq in (1, 2, 3)]
    async with run(binding_root, sink):
        for payload in payloads:
            await announce(jobs, payload)
        await announce(jobs, await scene.write(chat, ada, 4))
    keys = [push.message["android"]["collapse_key"] for push in sink.find()]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_who_is_online_has_muted_or_has_read_is_left_alone(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, *others = [await scene.join(name) for name in ("ada", "on", "muted", "read", "bob")]
    online, muted, reader, bob = others
    chat = await scene.chat(ada[0], *(user for user, _ in others))
    for user, device in others:
        await scene.register(device, "fcm", f"phone-{user}")
    settings = "INSERT INTO chat_settings (chat_id, user_id, muted_until) VALUES ($1, $2, $3)"
    await scene.postgres.execute(settings, chat, muted[0], datetime.max)
    await scene.postgres.execute(settings, chat, bob[0], read_clock() - timedelta(hours=1))
    reads = "INSERT INTO message_reads (chat_id, user_id, last_read_seq) VALUES ($1, $2, 1)"
    await scene.postgres.execute(reads, chat, reader[0])
    # Bob is online too, with another device than the one in his pocket.
    await say_connected(binding_root, online[1], create_id())
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
    assert [push.to for push in sink.find()] == [f"phone-{bob[0]}"]


async def test_a_token_the_provider_calls_gone_is_deleted(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob, cem, dan = [await scene.join(name) for name in ("ada", "bob", "cem", "dan")]
    chat = await scene.chat(ada[0], bob[0], cem[0], dan[0])
    await scene.register(bob[1], "fcm", "gone-phone")
    await scene.register(cem[1], "web_push", subscribe(Browser(), f"{sink.url}/web-push/gone"))
    await scene.register(dan[1], "web_push", subscribe(Browser(), "https://elsewhere.example/x"))
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
    assert sorted(push.status for push in sink.find()) == [404, 410]
    assert await scene.count_tokens() == 0


async def test_an_address_that_can_not_be_called_costs_nobody_else_anything(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob, cem = [await scene.join(name) for name in ("ada", "bob", "cem")]
    chat = await scene.chat(ada[0], bob[0], cem[0])
    # Below an allowed host, and yet no name of a host: the client refuses before it calls anybody.
    await scene.register(
        bob[1], "web_push", subscribe(Browser(), "https://xn--.push.example.org/bobs")
    )
    await scene.register(cem[1], "web_push", subscribe(Browser(), f"{sink.url}/web-push/cems"))
    allowed = f"{sink.url},*.push.example.org"
    async with run_worker(binding_root, web_push_allowed_hosts=allowed):
        await announce(jobs, await scene.write(chat, ada, 1))
    assert [push.to for push in sink.find()] == ["cems"]
    assert await scene.count_tokens() == 1


async def test_a_provider_that_is_busy_is_asked_again_for_that_device_only(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob, cem = [await scene.join(name) for name in ("ada", "bob", "cem")]
    chat = await scene.chat(ada[0], bob[0], cem[0])
    await scene.register(bob[1], "fcm", "busy-phone")
    await scene.register(cem[1], "fcm", "cems-phone")
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))

        async def is_put_off() -> bool:
            query = "SELECT payload FROM outbox WHERE kind = 'push.deliver'"
            return await scene.postgres.fetchval(query) is not None

        await wait_until(is_put_off, what="another attempt to be planned")
        row = await scene.postgres.fetchrow("SELECT * FROM outbox WHERE kind = 'push.deliver'")
        assert row is not None
        wait = row["available_at"] - row["created_at"]
        assert wait == timedelta(seconds=10)
        await scene.postgres.execute("UPDATE outbox SET available_at = now()")
        await jobs.wait_done(row["id"])
    assert len(sink.find("busy-phone")) == 2
    assert len(sink.find("cems-phone")) == 1
    assert await scene.count_tokens() == 2


async def test_attempts_are_bounded(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "broken-phone")
    payload = await scene.write(chat, ada, 1)
    payload |= {"deviceId": str(bob[1]), "attempt": 6}
    before = read_metric("fcm", "expired")
    async with run(binding_root, sink):
        await jobs.wait_done(await jobs.write("push.deliver", payload))
    assert await scene.postgres.fetchval("SELECT count(*) FROM outbox") == 0
    assert read_metric("fcm", "expired") == before + 1


async def test_an_unreachable_provider_is_told_and_holds_nothing_up(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    account = json.loads((binding_root / "fcm/service-account.json").read_text())
    account["token_uri"] = "http://127.0.0.1:9/token"
    write_binding(binding_root, "fcm", {"service-account.json": json.dumps(account)})
    async with run(binding_root, sink) as worker:
        await announce(jobs, await scene.write(chat, ada, 1))
        assert "FCM's token endpoint does not answer" in await read_check(worker)
    assert await scene.count_tokens() == 1


@pytest.mark.parametrize(
    ("binding", "keys", "told"),
    [
        ("fcm", {"service-account.json": "{}"}, "no service account"),
        ("fcm", {"service-account.json": "not json"}, "no service account"),
        ("web-push", {"private-key": "no key"}, "no PEM key"),
        ("web-push", {"public-key": "BAAA"}, "another key's"),
    ],
)
async def test_wrong_keys_are_told_and_the_rest_goes_on(
    binding_root: Path,
    sink: PushSink,
    jobs: Jobs,
    binding: str,
    keys: dict[str, str],
    told: str,
) -> None:
    write_binding(binding_root, binding, keys)
    async with run(binding_root, sink) as worker:
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "none"}))
        message = await read_check(worker)
    assert told in message
    assert "PRIVATE" not in message


async def test_sound_providers_pass_their_check(binding_root: Path, sink: PushSink) -> None:
    async with run(binding_root, sink) as worker:
        assert await read_check(worker) == ""


async def test_without_push_there_is_no_check_and_jobs_come_to_nothing(
    binding_root: Path, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    async with run_worker(binding_root) as worker:
        await announce(jobs, await scene.write(chat, ada, 1))
        names = [c["name"] for c in (await worker.client.post("/v1/checks")).json()["checks"]]
    assert "push" not in names
    assert await scene.count_tokens() == 1


async def test_a_job_that_is_no_order_is_a_dead_letter(
    binding_root: Path, sink: PushSink, jobs: Jobs
) -> None:
    async with run(binding_root, sink):
        await jobs.write("push.message", {"chatId": "x"})
        letter = await jobs.wait_dead()
    assert "no order of a push" in str(letter.headers["x-sup-reason"])


async def test_a_token_sealed_with_another_key_is_deleted(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    scene.seal = TokenSeal(b"x" * 32)
    await scene.register(bob[1], "fcm", "bobs-phone")
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
    assert sink.find() == []
    assert await scene.count_tokens() == 0


async def read_check(worker: Worker) -> str:
    report = (await worker.client.post("/v1/checks")).json()
    (check,) = [check for check in report["checks"] if check["name"] == "push"]
    assert check["ok"] == (not check["message"])
    return str(check["message"])


def read_metric(provider: str, result: str) -> float:
    labels = {"provider": provider, "result": result}
    return REGISTRY.get_sample_value("push_notifications_total", labels) or 0
