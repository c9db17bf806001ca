"""The way of an account from its registration to its log out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.api_service import open_api

from supmessenger_common.database import Pool

pytestmark = pytest.mark.services


async def test_register_verify_log_in_refresh_log_out(postgres: Pool, api_bindings: Path) -> None:
    async with open_api(postgres, api_bindings, email_verification=True) as api:
        registered = await api.register("alice")
        assert registered.status_code == 201
        assert registered.json()["status"] == "pending"
        early = await api.log_in("alice")
        assert (early.status_code, early.json()["code"]) == (403, "email_not_verified")

        email = await api.read_verification("alice@example.org")
        assert email["link"].startswith("https://chat.example.org/api/v1/accounts/verify?token=")
        verified = await api.client.post("/v1/accounts/verify", json={"token": email["token"]})
        assert verified.json() == {"id": registered.json()["id"], "status": "active"}

        person = await api.enter("ALICE@example.org")
        me = (await person.call("GET", "/v1/users/me")).json()
        assert (me["id"], me["username"]) == (registered.json()["id"], "alice")

        renewed = (await api.refresh(person.refresh_token)).json()
        assert renewed["sessionId"] == str(person.session_id)
        person.access_token = renewed["accessToken"]
        assert (await person.call("GET", "/v1/users/me")).status_code == 200

        assert (await person.call("DELETE", "/v1/sessions/current")).status_code == 204
        gone = await person.call("GET", "/v1/users/me")
        assert (gone.status_code, gone.json()["code"]) == (401, "session_revoked")
        dead = await api.refresh(renewed["refreshToken"])
        assert (dead.status_code, dead.json()["code"]) == (401, "refresh_token_invalid")
