"""Looking profiles up."""

from __future__ import annotations

import pytest
from support.api_service import Api

from supmessenger_common.identifiers import create_id

pytestmark = pytest.mark.services


async def test_a_profile_is_found_by_id_and_by_username(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    by_id = (await alice.call("GET", f"/v1/users/{bob.user_id}")).json()
    by_name = (await alice.call("GET", "/v1/users", params={"username": "BOB"})).json()
    assert by_id == by_name == (await bob.call("GET", "/v1/users/me")).json()
    assert by_id.keys() == {"id", "username", "displayName", "avatarId", "createdAt"}
    assert by_id["createdAt"].endswith("Z")


async def test_who_is_not_there_is_not_found(api: Api) -> None:
    alice, bob = await api.join("alice"), await api.join("bob")
    await api.postgres.execute("UPDATE users SET status = 'deleted' WHERE id = $1", bob.user_id)
    for path in (f"/v1/users/{create_id()}", "/v1/users?username=nobody", "/v1/users?username=bob"):
        answer = await alice.call("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "user_unknown")
