"""A call on the node: through the edge, directly and over the relay; and who may not interfere."""

import pytest
from support.instance import Instance, Member

from supmessenger_cli.calls.meeting import CallFailedError
from supmessenger_cli.smoke.calls import hold_call

pytestmark = pytest.mark.node


async def start_call(alice: Member, bob: Member) -> str:
    """Return the id of a new call of two people."""
    body = {"type": "direct", "memberIds": [bob.client.user]}
    chat = await alice.client.call_json("POST", "/api/v1/chats", json=body)
    path = f"/api/v1/chats/{chat['id']}/calls"
    return str((await alice.client.call_json("POST", path, json={"kind": "video"}))["id"])


async def test_two_people_hear_and_see_one_another_directly_and_over_the_relay(
    demo: Instance,
) -> None:
    target = await demo.target()
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        call = await start_call(alice, bob)
        for relay_only in (False, True):
            admissions = [
                await person.client.call_json("POST", f"/api/v1/calls/{call}/join")
                for person in (alice, bob)
            ]
            for report in await hold_call(target, admissions, relay_only=relay_only):
                assert report.route.is_relayed is relay_only
        ended = await alice.client.call_json("POST", f"/api/v1/calls/{call}/end")
    # Both came, and the media server's webhook told so.
    assert ended["status"] == "ended"
    assert {stay["userId"] for stay in ended["participants"]} == {
        alice.client.user,
        bob.client.user,
    }
    assert all(stay["leftAt"] is not None for stay in ended["participants"])


async def test_the_webhook_is_not_reached_from_outside(demo: Instance) -> None:
    async with demo.member("mallory") as mallory:
        for path in (
            "/internal/livekit/webhook",
            "/api/internal/livekit/webhook",
            "/api/v1/../internal/livekit/webhook",
            "/api/v1/%2e%2e/internal/livekit/webhook",
            "/api/v1/..%2finternal/livekit/webhook",
            "/livekit/../internal/livekit/webhook",
        ):
            answer = await mallory.client.call("POST", path, expect=(400, 404), content=b"{}")
            assert "webhook" not in answer.text
            # The edge itself answers, or the api that knows no such path below /v1.
            assert answer.status_code == 400 or answer.json()["code"] == "not_found"


async def test_who_logged_out_does_not_come_back_with_a_token_of_before(demo: Instance) -> None:
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        call = await start_call(alice, bob)
        admission = await bob.client.call_json("POST", f"/api/v1/calls/{call}/join")
        entrance = f"/livekit/rtc/validate?access_token={admission['token']}"
        assert (await bob.client.http.get(entrance)).status_code == 200  # LiveKit's own word

        await bob.client.call("DELETE", "/api/v1/sessions/current")
        refused = await bob.client.http.get(entrance)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_in_call")
        await alice.client.call("POST", f"/api/v1/calls/{call}/end")


async def test_a_token_of_somebody_elses_making_opens_no_room(demo: Instance) -> None:
    target = await demo.target()
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        call = await start_call(alice, bob)
        admission = await alice.client.call_json("POST", f"/api/v1/calls/{call}/join")
        head, body, signature = admission["token"].split(".")
        forged = {**admission, "token": f"{head}.{body}.{signature[::-1]}"}
        with pytest.raises(CallFailedError, match="could not connect"):
            await hold_call(target, [forged, forged], relay_only=False)
        await alice.client.call("POST", f"/api/v1/calls/{call}/end")
