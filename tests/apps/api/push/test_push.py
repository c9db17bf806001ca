"""Registering where a device can be woken, and what a message then leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_service import Api, Person, open_api
from support.bindings import write_binding
from support.web_push import Browser

from supmessenger_common.bindings import read_credentials
from supmessenger_common.database import Pool
from supmessenger_common.push.sealing import TokenSeal

pytestmark = pytest.mark.services

SINK = "http://push-sink:8090"
HOSTS = f"push.example.org,{SINK}"
PATH = "/v1/devices/current/push"


def open_push_api(postgres: Pool, bindings: Path, **changes: Any) -> Any:
    write_binding(bindings, "web-push", {"public-key": "BPublicKey"})
    settings = {"push_enabled": True, "fcm_enabled": True, "web_push_allowed_hosts": HOSTS}
    return open_api(postgres, bindings, **{**settings, **changes})


async def register_fcm(person: Person, name: str = "of-a-phone") -> int:
    answer = await person.call("PUT", PATH, json={"provider": "fcm", "token": name})
    return answer.status_code


async def register_browser(person: Person, endpoint: str) -> Any:
    body = {"provider": "web_push", "subscription": Browser().build_subscription(endpoint)}
    return await person.call("PUT", PATH, json=body)


async def read_jobs(postgres: Pool) -> list[dict[str, Any]]:
    rows = await postgres.fetch("SELECT payload FROM outbox WHERE kind = 'push.message'")
    return [orjson.loads(row["payload"]) for row in rows]


async def test_a_token_is_stored_encrypted_for_its_device(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        ada = await api.join("ada")
        assert await register_fcm(ada, "secret-token") == 204
    row = await postgres.fetchrow("SELECT * FROM push_tokens")
    assert row is not None
    assert (row["device_id"], row["provider"]) == (ada.device_id, "fcm")
    assert b"secret" not in row["token"]
    seal = TokenSeal(read_credentials(api_bindings).encryption_key)
    assert seal.open(row["token"], device_id=ada.device_id) == "secret-token"


async def test_a_browser_subscribes_with_the_key_of_the_instance(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        ada = await api.join("ada")
        told = await ada.call("GET", "/v1/push/web-push-key")
        assert told.json() == {"publicKey": "BPublicKey"}
        for endpoint in ("https://push.example.org/a", f"{SINK}/web-push/b"):
            assert (await register_browser(ada, endpoint)).status_code == 204
        assert await postgres.fetchval("SELECT count(*) FROM push_tokens") == 1
        assert (await ada.call("DELETE", PATH)).status_code == 204
        assert (await ada.call("DELETE", PATH)).status_code == 204
    assert await postgres.fetchval("SELECT count(*) FROM push_tokens") == 0


@pytest.mark.parametrize(
    "endpoint",
    ["https://evil.example/a", "http://push.example.org/a", "http://demo-postgres:5432/"],
)
async def test_a_subscription_elsewhere_is_refused(
    postgres: Pool, api_bindings: Path, endpoint: str
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        answer = await register_browser(await api.join("ada"), endpoint)
    assert (answer.status_code, answer.json()["code"]) == (422, "endpoint_refused")
    assert answer.json()["errors"][0]["field"] == "subscription.endpoint"
    assert await postgres.fetchval("SELECT count(*) FROM push_tokens") == 0


@pytest.mark.parametrize(
    "body",
    [
        {"provider": "apns", "token": "x"},
        {"provider": "fcm", "token": ""},
        {"provider": "fcm", "token": "a b"},
        {"provider": "fcm", "token": "x" * 4097},
        {"provider": "web_push"},
        {"provider": "web_push", "subscription": {"endpoint": "https://push.example.org/a"}},
        {
            "provider": "web_push",
            "subscription": {
                "endpoint": "https://push.example.org/a",
                "keys": {"p256dh": "AAAA", "auth": "AAAA"},
            },
        },
    ],
)
async def test_what_is_no_token_is_refused(
    postgres: Pool, api_bindings: Path, body: dict[str, Any]
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        answer = await (await api.join("ada")).call("PUT", PATH, json=body)
    assert answer.status_code == 422


async def test_a_way_of_push_the_instance_lacks_is_told(api: Api) -> None:
    ada = await api.join("ada")
    answers = [
        await ada.call("PUT", PATH, json={"provider": "fcm", "token": "x"}),
        await register_browser(ada, "https://fcm.googleapis.com/x"),
        await ada.call("GET", "/v1/push/web-push-key"),
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "push_unavailable")}


async def test_an_app_that_logs_in_anew_takes_its_token_along(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        before = await api.join("ada")
        await register_fcm(before)
        after = await api.enter("ada")
        await register_fcm(after)
    rows = await postgres.fetch("SELECT device_id FROM push_tokens")
    assert [row["device_id"] for row in rows] == [after.device_id]


async def test_a_message_leaves_one_job_when_another_member_can_be_woken(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        chat = await ada.create_chat(bob)
        await register_fcm(ada, "of-the-sender")
        await ada.send(chat)
        assert await read_jobs(postgres) == []
        await register_fcm(bob, "of-bob")
        await register_fcm(await api.enter("bob"), "of-bobs-tablet")
        await ada.send(chat, clientMsgId=(same := "0191d2c0-0000-7000-8000-000000000001"))
        await ada.send(chat, clientMsgId=same)
    assert await read_jobs(postgres) == [
        {"chatId": str(chat), "seq": 2, "senderDeviceId": str(ada.device_id)}
    ]


async def test_nobody_is_woken_by_way_of_a_device_that_was_unlinked(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_push_api(postgres, api_bindings) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        chat = await ada.create_chat(bob)
        await register_fcm(bob)
        assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
        await ada.send(chat)
    assert await read_jobs(postgres) == []


async def test_without_push_a_message_leaves_no_job(postgres: Pool, api_bindings: Path) -> None:
    async with open_push_api(postgres, api_bindings, push_enabled=False) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        chat = await ada.create_chat(bob)
        await register_fcm(bob)
        assert (await ada.send(chat)).status_code == 201
    assert await read_jobs(postgres) == []


async def test_a_broken_key_ends_web_push_and_nothing_else(
    postgres: Pool, api_bindings: Path
) -> None:
    write_binding(api_bindings, "web-push", {"private-key": "only"})
    async with open_api(postgres, api_bindings, push_enabled=True) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        assert (await ada.call("GET", "/v1/push/web-push-key")).status_code == 404
        assert (await ada.send(await ada.create_chat(bob))).status_code == 201
