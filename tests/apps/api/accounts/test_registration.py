"""Registration and the proof of the email address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.api_service import Api, open_api

from supmessenger_common.database import Pool

pytestmark = pytest.mark.services


@pytest.fixture
async def verifying(postgres: Pool, api_bindings: Path) -> AsyncIterator[Api]:
    """The API of an instance that has a mail server."""
    async with open_api(postgres, api_bindings, email_verification=True) as api:
        yield api


async def count_accounts(api: Api) -> int:
    return int(await api.postgres.fetchval("SELECT count(*) FROM users"))


async def test_an_account_and_its_email_are_written_together(verifying: Api) -> None:
    answer = await verifying.register("alice")
    assert answer.json()["status"] == "pending"
    job = await verifying.postgres.fetchrow("SELECT kind, available_at <= now() FROM outbox")
    assert job is not None
    assert tuple(job) == ("email.verification", True)
    email = await verifying.read_verification("alice@example.org")
    assert email.keys() == {"email", "username", "link", "token"}
    stored = await verifying.postgres.fetchval("SELECT token_hash FROM email_verifications")
    assert email["token"].encode() not in stored


async def test_a_known_email_is_answered_like_a_new_one(verifying: Api) -> None:
    first = await verifying.register("alice")
    second = await verifying.register("mallory", email="ALICE@example.org")
    assert second.status_code == first.status_code == 201
    assert second.json().keys() == first.json().keys()
    assert second.json()["status"] == first.json()["status"]
    assert second.json()["id"] != first.json()["id"]
    assert await count_accounts(verifying) == 1


async def test_a_repeated_registration_gives_the_same_account_and_another_email(
    verifying: Api,
) -> None:
    first = await verifying.register("alice")
    again = await verifying.register("alice")
    assert again.json() == first.json()
    assert await verifying.postgres.fetchval("SELECT count(*) FROM outbox") == 2
    other_password = await verifying.register("alice", password="nine dry herons")
    assert (other_password.status_code, other_password.json()["code"]) == (409, "username_taken")


async def test_a_taken_username_is_told(api: Api) -> None:
    await api.register("alice")
    answer = await api.register("Alice", email="other@example.org")
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    assert answer.json()["errors"] == [{"field": "username", "message": "is taken"}]


async def test_without_verification_a_taken_email_is_told(api: Api) -> None:
    await api.register("alice")
    answer = await api.register("bob", email="alice@example.org")
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_an_abandoned_registration_stands_in_nobodys_way(verifying: Api) -> None:
    await verifying.register("alice")
    await verifying.postgres.execute("UPDATE users SET created_at = now() - interval '25 hours'")
    answer = await verifying.register("alice", password="nine dry herons")
    assert answer.status_code == 201
    assert await count_accounts(verifying) == 1


async def test_the_link_works_again_with_the_same_answer(verifying: Api) -> None:
    await verifying.register("alice")
    token = (await verifying.read_verification("alice@example.org"))["token"]
    answers = [
        await verifying.client.post("/v1/accounts/verify", json={"token": token}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["status"] == "active"


async def test_a_false_or_old_link_is_refused(verifying: Api) -> None:
    await verifying.register("alice")
    token = (await verifying.read_verification("alice@example.org"))["token"]
    await verifying.postgres.execute(
        "UPDATE email_verifications SET created_at = now() - interval '2 days', "
        "expires_at = now() - interval '1 second'"
    )
    for wrong in (token, "A" * 43, "nonsense", ""):
        answer = await verifying.client.post("/v1/accounts/verify", json={"token": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "verification_invalid")


async def test_the_emailed_link_is_used_by_its_button_only(verifying: Api) -> None:
    await verifying.register("alice")
    email = await verifying.read_verification("alice@example.org")
    path = email["link"].removeprefix("https://chat.example.org/api")
    page = await verifying.client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert email["token"] in page.text
    assert (await verifying.log_in("alice")).status_code == 403
    done = await verifying.client.post("/v1/accounts/verify", data={"token": email["token"]})
    assert done.status_code == 200
    assert "confirmed" in done.text
    assert (await verifying.log_in("alice")).status_code == 201
    failed = await verifying.client.post("/v1/accounts/verify", data={"token": "<b>"})
    assert (failed.status_code, "<b>" in failed.text) == (422, False)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "alice"}, "email"),
        ({"username": "al ice"}, "username"),
        ({"username": "alice@example.org"}, "username"),
        ({"displayName": "   "}, "displayName"),
        ({"password": None}, "password"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_a_refused_field_is_named(api: Api, fields: dict[str, Any], field: str) -> None:
    answer = await api.register("alice", **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_guessable_password_is_refused(api: Api) -> None:
    answer = await api.register("alice", password="alice-2026!")
    assert (answer.status_code, answer.json()["code"]) == (422, "password_refused")
    assert answer.json()["errors"][0]["field"] == "password"
    assert "alice-2026!" not in answer.text


@pytest.mark.parametrize("mode", ["closed", "invite"])
async def test_closed_registration_is_refused(
    postgres: Pool, api_bindings: Path, mode: str
) -> None:
    async with open_api(postgres, api_bindings, registration=mode) as api:
        answer = await api.register("alice")
        assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
        assert await count_accounts(api) == 0
