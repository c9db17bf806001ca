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
from support.push_scene import Scene, build_phone, subscribe
from support.push_sink import PushSink
from support.waiting import wait_until
from support.web_push import Browser
from support.worker_service import Worker, run_worker

from supmessenger_common.identifiers import create_id, decode_bytes, read_clock
from supmessenger_common.push.sealing import TokenSeal

pytestmark = pytest.mark.services


async def test_devices_of_the_others_are_woken_without_a_word_of_what_was_said(
    binding_root: Path, sink: PushSink, scene: Scene
) -> None:
    browser = Browser()
    talk = await scene.open_talk(
        build_phone("bobs-phone"), subscribe(browser, f"{sink.url}/web-push/cems")
    )
    await scene.register(talk.ada.device, build_phone("adas-phone"))
    async with scene.run(sink):
        await talk.announce()
    assert sorted(push.to for push in sink.find()) == ["bobs-phone", "cems"]
    everything = b"".join(push.body for push in sink.find())
    for word in (b"secret", str(talk.chat).encode(), b"ada"):
        assert word not in everything
    (phone,) = sink.find("bobs-phone")
    assert phone.message["data"] == {"type": "message"}
    assert phone.message["android"]["ttl"] == "86400s"
    assert phone.message["android"]["collapse_key"]
    (web,) = sink.find("cems")
    assert orjson.loads(browser.decrypt(web.body)) == {"type": "message", "chat": str(talk.chat)}
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


async def test_several_messages_of_a_chat_become_one(sink: PushSink, scene: Scene) -> None:
    talk = await scene.open_talk(build_phone("bobs-phone"))
    payloads = [await talk.write(seq) for seq in (1, 2, 3)]
    async with scene.run(sink):
        for payload in payloads:
            await scene.jobs.wait_done(await scene.jobs.write("push.message", payload))
        await talk.announce(4)
    keys = [push.message["android"]["collapse_key"] for push in sink.find()]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_who_is_online_has_muted_or_has_read_is_left_alone(
    sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(*map(build_phone, ("online", "muted", "reader", "bob")))
    online, muted, reader, bob = talk.others
    await talk.mute(muted, until=datetime.max)
    await talk.mute(bob, until=read_clock() - timedelta(hours=1))
    await talk.read(reader)
    # Bob is online too, with another device than the one in his pocket.
    await scene.say_connected(online.device, create_id())
    async with scene.run(sink):
        await talk.announce()
    assert [push.to for push in sink.find()] == ["bob"]


async def test_a_token_the_provider_calls_gone_is_deleted(sink: PushSink, scene: Scene) -> None:
    talk = await scene.open_talk(
        build_phone("gone-phone"),
        subscribe(Browser(), f"{sink.url}/web-push/gone"),
        subscribe(Browser(), "https://elsewhere.example/x"),
    )
    async with scene.run(sink):
        await talk.announce()
    assert sorted(push.status for push in sink.find()) == [404, 410]
    assert await scene.count_tokens() == 0


async def test_an_address_that_can_not_be_called_costs_nobody_else_anything(
    binding_root: Path, sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(
        # Below an allowed host, and yet no name of a host: the client refuses before it calls
        # anybody.
        subscribe(Browser(), "https://xn--.push.example.org/bobs"),
        subscribe(Browser(), f"{sink.url}/web-push/cems"),
    )
    allowed = f"{sink.url},*.push.example.org"
    async with run_worker(binding_root, web_push_allowed_hosts=allowed):
        await talk.announce()
    assert [push.to for push in sink.find()] == ["cems"]
    assert await scene.count_tokens() == 1


async def test_a_provider_that_is_busy_is_asked_again_for_that_device_only(
    sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(build_phone("busy-phone"), build_phone("cems-phone"))
    async with scene.run(sink):
        await talk.announce()

        async def is_put_off() -> bool:
            query = "SELECT payload FROM outbox WHERE kind = 'push.deliver'"
            return await scene.postgres.fetchval(query) is not None

        await wait_until(is_put_off, what="another attempt to be planned")
        row = await scene.postgres.fetchrow("SELECT * FROM outbox WHERE kind = 'push.deliver'")
        assert row is not None
        wait = row["available_at"] - row["created_at"]
        assert wait == timedelta(seconds=10)
        await scene.postgres.execute("UPDATE outbox SET available_at = now()")
        await scene.jobs.wait_done(row["id"])
    assert len(sink.find("busy-phone")) == 2
    assert len(sink.find("cems-phone")) == 1
    assert await scene.count_tokens() == 2


async def test_attempts_are_bounded(sink: PushSink, scene: Scene) -> None:
    talk = await scene.open_talk(build_phone("broken-phone"))
    payload = await talk.write()
    payload |= {"deviceId": str(talk.others[0].device), "attempt": 6}
    before = read_metric("fcm", "expired")
    async with scene.run(sink):
        await scene.jobs.wait_done(await scene.jobs.write("push.deliver", payload))
    assert await scene.jobs.is_relayed()
    assert read_metric("fcm", "expired") == before + 1


async def test_an_unreachable_provider_is_told_and_holds_nothing_up(
    binding_root: Path, sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(build_phone("bobs-phone"))
    account = json.loads((binding_root / "fcm/service-account.json").read_text())
    account["token_uri"] = "http://127.0.0.1:9/token"
    write_binding(binding_root, "fcm", {"service-account.json": json.dumps(account)})
    async with scene.run(sink) as worker:
        await talk.announce()
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
    sink: PushSink, scene: Scene, binding: str, keys: dict[str, str], told: str
) -> None:
    write_binding(scene.bindings, binding, keys)
    async with scene.run(sink) as worker:
        await scene.jobs.wait_done(await scene.jobs.write("media.delete", {"objectKey": "none"}))
        message = await read_check(worker)
    assert told in message
    assert "PRIVATE" not in message


async def test_sound_providers_pass_their_check(sink: PushSink, scene: Scene) -> None:
    async with scene.run(sink) as worker:
        assert await read_check(worker) == ""


async def test_without_push_there_is_no_check_and_jobs_come_to_nothing(
    binding_root: Path, scene: Scene
) -> None:
    talk = await scene.open_talk(build_phone("bobs-phone"))
    async with run_worker(binding_root) as worker:
        await talk.announce()
        names = [c["name"] for c in (await worker.client.post("/v1/checks")).json()["checks"]]
    assert "push" not in names
    assert await scene.count_tokens() == 1


async def test_a_job_that_is_no_order_is_a_dead_letter(sink: PushSink, scene: Scene) -> None:
    async with scene.run(sink):
        await scene.jobs.write("push.message", {"chatId": "x"})
        letter = await scene.jobs.wait_dead()
    assert "no order of a push" in str(letter.headers["x-sup-reason"])


async def test_a_token_sealed_with_another_key_is_deleted(sink: PushSink, scene: Scene) -> None:
    scene.seal = TokenSeal(b"x" * 32)
    talk = await scene.open_talk(build_phone("bobs-phone"))
    async with scene.run(sink):
        await talk.announce()
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
