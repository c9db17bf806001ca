"""Rate limits and what happens without their store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.api_service import PASSWORD, Api, open_api
from support.bindings import build_redis_binding, write_binding
from support.processes.redis import RedisServer
from support.processes.servers import probe_free_port

from supmessenger_api.rate_limits import LIMITS
from supmessenger_common.database import Pool


@pytest.fixture
async def limited(postgres: Pool, api_bindings: Path) -> AsyncIterator[Api]:
    """The API with its limits on."""
    async with open_api(postgres, api_bindings, rate_limits_enabled=True) as api:
        yield api


@pytest.fixture
async def without_state(
    postgres: Pool, api_bindings: Path, redis_state: RedisServer
) -> AsyncIterator[Api]:
    """The API while nothing listens at redis-state's address."""
    keys = {**build_redis_binding(redis_state), "port": str(probe_free_port())}
    write_binding(api_bindings, "redis-state", keys)
    async with open_api(postgres, api_bindings, rate_limits_enabled=True) as api:
        yield api


def test_limits_have_names_of_their_own() -> None:
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


@pytest.mark.services
async def test_guesses_of_a_password_are_stopped_even_in_parallel(limited: Api) -> None:
    await limited.register("alice")
    guesses = await asyncio.gather(
        *(limited.log_in("alice", password=f"guess {number}") for number in range(15))
    )
    assert Counter(guess.status_code for guess in guesses) == {401: 10, 429: 5}
    refused = await limited.log_in("ALICE")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["ratelimit-limit"] == "10"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert int(refused.headers["retry-after"]) == int(refused.headers["ratelimit-reset"]) > 0
    elsewhere = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert (await limited.log_in("alice", headers=elsewhere)).status_code == 201


@pytest.mark.services
async def test_the_callers_address_is_the_one_the_edge_adds(limited: Api) -> None:
    await limited.register("alice")
    for number in range(11):
        # What the client claims itself comes first and changes nothing.
        headers = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"}
        answer = await limited.log_in("alice", password="wrong", headers=headers)
    assert answer.status_code == 429


@pytest.mark.services
async def test_one_mailbox_gets_few_mails_from_wherever_they_are_asked_for(
    postgres: Pool, api_bindings: Path
) -> None:
    async with open_api(
        postgres, api_bindings, rate_limits_enabled=True, email_verification=True
    ) as api:
        statuses = []
        for number in range(12):
            body = {"email": "Alice@example.org", "username": "alice", "displayName": "A"}
            answer = await api.client.post(
                "/v1/accounts",
                json={**body, "password": PASSWORD},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            )
            statuses.append(answer.status_code)
        assert statuses == [201] * 10 + [429] * 2
        mails = "SELECT count(*) FROM outbox WHERE kind = 'email.verification'"
        assert await postgres.fetchval(mails) == 10


@pytest.mark.services
async def test_a_successful_login_forgets_the_guesses(limited: Api) -> None:
    await limited.register("alice")
    for _ in range(2):
        for _ in range(9):
            await limited.log_in("alice", password="wrong")
        assert (await limited.log_in("alice")).status_code == 201


@pytest.mark.services
async def test_bundles_of_one_user_are_limited_and_every_answer_says_what_is_left(
    limited: Api,
) -> None:
    alice, bob = await limited.join("alice"), await limited.join("bob")
    path = f"/v1/users/{bob.user_id}/prekey-bundles"
    answers = [await alice.call("POST", path) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    left = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
    assert left == [*range(29, -1, -1), 0]
    other = await alice.call("POST", f"/v1/users/{alice.user_id}/prekey-bundles")
    assert other.status_code == 200


@pytest.mark.services
async def test_without_the_store_logins_fail_closed_and_messages_flow(without_state: Api) -> None:
    for answer in (await without_state.register("alice"), await without_state.log_in("alice")):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"
    async with open_api(without_state.postgres, without_state.bindings) as unlimited:
        alice, bob = await unlimited.join("alice"), await unlimited.join("bob")
    alice.client = without_state.client
    chat_id = await alice.create_chat(bob)
    assert (await alice.send(chat_id)).status_code == 201
    await without_state.postgres.execute("UPDATE sessions SET revoked_at = now()")
    # The database answers for the store: a session that ended stays ended.
    assert (await alice.send(chat_id)).json()["code"] == "session_revoked"
    ready = await without_state.client.get("/readyz")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"] if not check["ok"]] == ["redis-state"]
