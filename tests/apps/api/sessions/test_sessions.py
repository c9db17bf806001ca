"""Logging in, refreshing, listing and ending sessions."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from support.api_service import PASSWORD, Api, Person
from support.processes.redis import RedisServer

from supmessenger_api.sessions.service import MOST_SESSIONS
from supmessenger_common.auth import AccessTokens, Principal
from supmessenger_common.bindings import read_credentials
from supmessenger_common.identifiers import create_id, read_clock

pytestmark = pytest.mark.services


async def is_accepted(person: Person) -> bool:
    return (await person.call("GET", "/v1/users/me")).status_code == 200


async def test_a_wrong_password_and_an_unknown_login_are_answered_alike(api: Api) -> None:
    await api.register("alice")
    wrong = await api.log_in("alice", password="seven dry otters")
    unknown = await api.log_in("nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "invalid_credentials"


async def test_a_suspended_account_is_refused_after_its_password_only(api: Api) -> None:
    await api.register("alice")
    await api.postgres.execute("UPDATE users SET status = 'suspended'")
    assert (await api.log_in("alice")).json()["code"] == "account_suspended"
    wrong = await api.log_in("alice", password="seven dry otters")
    assert wrong.json()["code"] == "invalid_credentials"


async def test_a_login_beyond_the_most_ends_the_session_used_longest_ago(api: Api) -> None:
    first = await api.join("alice")
    assert await is_accepted(first)
    await api.postgres.execute("UPDATE sessions SET last_used_at = now() - interval '1 day'")
    copies = """
        WITH made AS (
            INSERT INTO devices (id, user_id, name, registration_id)
            SELECT gen_random_uuid(), $1, 'd', 1 FROM generate_series(2, $2::integer)
            RETURNING id
        )
        INSERT INTO sessions (id, user_id, device_id, family_id, refresh_hash, expires_at)
        SELECT id, $1, id, id, sha256(uuid_send(id)), now() + interval '1 day' FROM made
    """
    await api.postgres.execute(copies, first.user_id, MOST_SESSIONS)
    second = await api.enter("alice")
    assert not await is_accepted(first)
    assert await is_accepted(second)
    listed = (await second.call("GET", "/v1/sessions")).json()["sessions"]
    assert len(listed) == MOST_SESSIONS


async def test_each_login_is_a_device_of_its_own(api: Api) -> None:
    first = await api.join("alice")
    second = await api.enter("alice")
    assert first.user_id == second.user_id
    assert first.device_id != second.device_id
    listed = (await second.call("GET", "/v1/sessions")).json()["sessions"]
    assert [(item["id"], item["current"]) for item in listed] == [
        (str(second.session_id), True),
        (str(first.session_id), False),
    ]


async def test_a_repeated_login_replaces_the_one_whose_answer_was_lost(api: Api) -> None:
    await api.register("alice")
    headers = {"Idempotency-Key": "b8f1"}
    lost = (await api.log_in("alice", headers=headers)).json()
    kept = (await api.log_in("alice", headers=headers)).json()
    assert (await api.refresh(lost["refreshToken"])).status_code == 401
    assert (await api.refresh(kept["refreshToken"])).status_code == 200
    active = await api.postgres.fetch("SELECT id FROM devices WHERE revoked_at IS NULL")
    assert [str(row["id"]) for row in active] == [kept["deviceId"]]


async def test_a_lost_refresh_answer_is_forgiven(api: Api) -> None:
    person = await api.join("alice")
    lost = (await api.refresh(person.refresh_token)).json()
    again = await api.refresh(person.refresh_token)
    assert again.status_code == 200
    assert again.json()["refreshToken"] != lost["refreshToken"]
    person.access_token = again.json()["accessToken"]
    assert await is_accepted(person)


async def test_the_previous_refresh_token_dies_with_the_first_use_of_the_new_pair(
    api: Api,
) -> None:
    person = await api.join("alice")
    renewed = (await api.refresh(person.refresh_token)).json()
    stolen, person.refresh_token = person.refresh_token, renewed["refreshToken"]
    person.access_token = renewed["accessToken"]
    assert await is_accepted(person)
    reused = await api.refresh(stolen)
    assert (reused.status_code, reused.json()["code"]) == (401, "session_revoked")
    # Nobody can say who the thief is: the session is over for both.
    assert (await api.refresh(person.refresh_token)).status_code == 401
    assert not await is_accepted(person)


async def test_an_old_access_token_does_not_confirm_the_new_pair(api: Api) -> None:
    person = await api.join("alice")
    await api.refresh(person.refresh_token)
    assert await is_accepted(person)
    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_an_answer_that_only_seemed_lost_ends_the_session_when_used(api: Api) -> None:
    person = await api.join("alice")
    taken = (await api.refresh(person.refresh_token)).json()
    assert (await api.refresh(person.refresh_token)).status_code == 200
    reused = await api.refresh(taken["refreshToken"])
    assert (reused.status_code, reused.json()["code"]) == (401, "session_revoked")


async def test_a_much_older_refresh_token_ends_the_session(api: Api) -> None:
    person = await api.join("alice")
    token = person.refresh_token
    for _ in range(3):
        renewed = (await api.refresh(token)).json()
        token = renewed["refreshToken"]
    assert (await api.refresh(person.refresh_token)).json()["code"] == "session_revoked"
    assert (await api.refresh(token)).status_code == 401


async def test_parallel_refreshes_of_one_token_leave_one_pair_that_works(api: Api) -> None:
    person = await api.join("alice")
    answers = await asyncio.gather(*(api.refresh(person.refresh_token) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    current = await api.postgres.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL")
    retired = await api.postgres.fetchval("SELECT count(*) FROM retired_refresh_tokens")
    assert (current, retired) == (1, 3)


@pytest.mark.parametrize("token", ["A" * 43, "short", "not base64!", ""])
async def test_a_false_refresh_token_is_refused(api: Api, token: str) -> None:
    answer = await api.refresh(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


async def test_an_expired_session_is_not_refreshed(api: Api) -> None:
    person = await api.join("alice")
    await api.postgres.execute(
        "UPDATE sessions SET created_at = now() - interval '91 days', expires_at = now()"
    )
    assert (await api.refresh(person.refresh_token)).json()["code"] == "refresh_token_invalid"


async def test_ending_another_session_is_told_to_its_sockets(
    api: Api, redis_cache: RedisServer
) -> None:
    first, second = await api.join("alice"), await api.enter("alice")
    assert await is_accepted(first)
    listener = Redis.from_url(redis_cache.url)
    async with listener.pubsub() as channel:
        await channel.subscribe(f"sup:sup:session:{first.session_id}")
        assert (await channel.get_message(timeout=5))["type"] == "subscribe"
        ended = await second.call("DELETE", f"/v1/sessions/{first.session_id}")
        assert ended.status_code == 204
        message = await channel.get_message(timeout=5)
        assert message["data"] == b'{"type":"revoked"}'
    await listener.aclose()
    assert not await is_accepted(first)
    assert await is_accepted(second)


async def test_a_session_of_somebody_else_cannot_be_ended(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    answer = await bob.call("DELETE", f"/v1/sessions/{alice.session_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_unknown")
    assert await is_accepted(alice)


def build_tokens(api: Api) -> AccessTokens:
    return AccessTokens(read_credentials(api.bindings).jwt_secret, api.settings.domain)


async def test_an_expired_token_is_refused(api: Api) -> None:
    person = await api.join("alice")
    principal = Principal(person.user_id, person.session_id, person.device_id)
    now = read_clock() - timedelta(minutes=16)
    person.access_token = build_tokens(api).issue(principal, now=now)
    answer = await person.call("GET", "/v1/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert answer.headers["www-authenticate"] == 'Bearer error="token_expired"'


async def test_a_token_for_a_wrong_device_is_refused(api: Api) -> None:
    alice, other = await api.join("alice"), await api.enter("alice")
    bob = await api.join("bob")
    for device_id in (other.device_id, bob.device_id, create_id()):
        principal = Principal(alice.user_id, alice.session_id, device_id)
        alice.access_token = build_tokens(api).issue(principal, now=read_clock())
        answer = await alice.call("GET", "/v1/keys")
        assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "unauthenticated"),
        ("Basic YTpi", "unauthenticated"),
        ("Bearer ", "unauthenticated"),
        ("Bearer x.y.z", "token_invalid"),
    ],
)
async def test_a_request_without_a_good_token_is_refused(
    api: Api, header: str | None, code: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await api.client.get("/v1/users/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_a_session_whose_mark_was_lost_cannot_be_refreshed(
    api: Api, redis_state: RedisServer
) -> None:
    person, witness = await api.join("alice"), await api.enter("alice")
    assert await is_accepted(person)
    assert await is_accepted(witness)
    await person.call("DELETE", "/v1/sessions/current")
    redis_state.flush()  # the mark is gone, as after a failover without the newest writes
    answer = await api.refresh(person.refresh_token)
    assert answer.status_code == 401
    assert await is_accepted(witness)


async def test_the_password_is_kept_hashed(api: Api) -> None:
    await api.register("alice")
    stored = await api.postgres.fetchval("SELECT password_hash FROM users")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in stored
