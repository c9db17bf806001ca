"""The door of the rooms: what the edge is told of each connection, whatever token it brings."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from livekit.api import AccessToken, VideoGrants
from support.api_service import Person
from support.call_service import CallsApi, join_call, start_call

from supmessenger_api.calls.door import find_token
from supmessenger_common.database import Pool

PATH = "/internal/livekit/door"


@pytest.mark.parametrize(
    ("uri", "authorization", "token"),
    [
        ("/livekit/rtc?access_token=a", "", "a"),
        ("/livekit/rtc/v1?join_request=b&access_token=a", "", "a"),
        ("/livekit/rtc?access%5Ftoken=a", "", "a"),
        ("/livekit/rtc?access_token=a", "Bearer b", "b"),
        ("/livekit/rtc", "", ""),
        ("/livekit/rtc?access_token=", "", ""),
        ("/livekit/rtc?Access_Token=a", "", ""),
        # What LiveKit would make of these is its own affair.
        ("/livekit/rtc?access_token=a&access_token=b", "", ""),
        ("/livekit/rtc?access_token=a;x&access%5ftoken=b", "", ""),
        ("/livekit/rtc?access_token=a", "Basic b", ""),
    ],
)
def test_the_token_is_the_one_that_the_media_server_goes_by(
    uri: str, authorization: str, token: str
) -> None:
    assert find_token(uri, authorization) == token


async def knock(calls: CallsApi, token: str, *, header: bool = False) -> httpx.Response:
    """Ask as the edge does."""
    query = "" if header else f"?access_token={quote(token)}"
    headers = {"X-Original-URI": f"/livekit/rtc{query}"}
    if header:
        headers["Authorization"] = f"Bearer {token}"
    return await calls.api.client.get(PATH, headers=headers)


async def open_call(calls: CallsApi) -> tuple[Person, Person, str, str]:
    """Return two people, their call, and the second one's token for its room."""
    alice, bob, chat_id = await calls.open_pair()
    call = await start_call(alice, chat_id)
    admission = await join_call(bob, call["id"])
    return alice, bob, str(call["id"]), str(admission["token"])


@pytest.mark.services
@pytest.mark.parametrize("header", [False, True])
async def test_a_device_of_the_chat_comes_in(calls: CallsApi, header: bool) -> None:
    *_, token = await open_call(calls)
    assert (await knock(calls, token, header=header)).status_code == 204


@pytest.mark.services
@pytest.mark.parametrize("header", [False, True])
async def test_who_was_blocked_stays_out_with_a_token_that_is_good(
    calls: CallsApi, postgres: Pool, header: bool
) -> None:
    alice, bob, _, token = await open_call(calls)
    blocked = "INSERT INTO blocked_users (user_id, blocked_id) VALUES ($1, $2)"
    await postgres.execute(blocked, alice.user_id, bob.user_id)
    refused = await knock(calls, token, header=header)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_in_call")


@pytest.mark.services
async def test_a_device_that_logged_out_stays_out(calls: CallsApi) -> None:
    _, bob, _, token = await open_call(calls)
    assert (await bob.call("DELETE", "/v1/sessions/current")).status_code == 204
    assert (await knock(calls, token)).status_code == 403


@pytest.mark.services
async def test_a_call_that_is_over_is_entered_by_nobody(calls: CallsApi) -> None:
    alice, _, call_id, token = await open_call(calls)
    assert (await alice.call("POST", f"/v1/calls/{call_id}/end")).status_code == 200
    refused = await knock(calls, token)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_in_call")


@pytest.mark.services
async def test_a_token_that_is_not_good_opens_nothing(calls: CallsApi) -> None:
    _, bob, call_id, token = await open_call(calls)
    grants = VideoGrants(room_join=True, room=call_id)
    forged = AccessToken(calls.livekit.api_key, "f" * 32).with_identity(str(bob.device_id))
    late = AccessToken(calls.livekit.api_key, calls.livekit.api_secret)
    # Beyond the minute that both libraries forgive.
    late = late.with_identity(str(bob.device_id)).with_ttl(timedelta(minutes=-2))
    stranger = AccessToken(calls.livekit.api_key, calls.livekit.api_secret).with_identity("eve")
    made = [one.with_grants(grants).to_jwt() for one in (forged, late, stranger)]
    for bad in ("", "x", token[:-2], *made):
        refused = await knock(calls, bad)
        assert (refused.status_code, refused.json()["code"]) == (401, "room_token_refused"), bad
