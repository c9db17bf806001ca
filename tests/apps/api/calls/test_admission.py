"""What lets a device in is short-lived and for one room only."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from supmessenger_api.calls.admission import TURN_LIFETIME, Doorman, build_turn_credentials
from supmessenger_common.bindings import LivekitBinding, TurnBinding
from supmessenger_common.calls.model import Call, Kind

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
DEVICE = UUID("01920000-0000-7000-8000-0000000000a1")
LIVEKIT = LivekitBinding("ws://livekit:7880", "wss://chat.example.org/livekit", "key", "s" * 32)
URIS = ("turn:192.0.2.7:3478?transport=udp", "turns:192.0.2.7:5349?transport=tcp")


def make_call(kind: Kind) -> Call:
    return Call(
        id=UUID(int=1),
        chat_id=UUID(int=2),
        kind=kind,
        status="ringing",
        room="the-room",
        initiator_id=UUID(int=3),
        started_at=NOW,
        answered_at=None,
        ended_at=None,
    )


def read_claims(kind: Kind) -> dict[str, Any]:
    admission = Doorman(LIVEKIT, None, ()).admit(make_call(kind), DEVICE, now=NOW)
    assert admission.url == "wss://chat.example.org/livekit"
    claims: dict[str, Any] = jwt.decode(admission.token, LIVEKIT.api_secret, algorithms=["HS256"])
    assert claims["exp"] - claims["nbf"] == admission.expires_in == 120
    return claims


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        ("audio", ["microphone"]),
        ("video", ["microphone", "camera", "screen_share", "screen_share_audio"]),
    ],
)
def test_a_token_opens_one_room_to_one_device_and_grants_no_more(
    kind: Kind, sources: list[str]
) -> None:
    claims = read_claims(kind)
    assert (claims["iss"], claims["sub"]) == ("key", str(DEVICE))
    assert claims["video"] == {
        "room": "the-room",
        "roomJoin": True,
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": False,
        "canPublishSources": sources,
    }
    assert not {"sip", "metadata", "name", "roomConfig"} & set(claims)


def test_relay_credentials_are_made_by_the_turn_rest_scheme() -> None:
    doorman = Doorman(LIVEKIT, TurnBinding("north"), URIS)
    (server,) = doorman.admit(make_call("audio"), DEVICE, now=NOW).ice_servers
    assert server.urls == list(URIS)
    expiry, _, who = server.username.partition(":")
    assert int(expiry) == int((NOW + TURN_LIFETIME).timestamp())
    assert who == str(DEVICE)
    mac = hmac.new(b"north", server.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(server.credential) == mac


@pytest.mark.parametrize(("turn", "uris"), [(None, URIS), (TurnBinding("north"), ())])
def test_without_a_relay_there_is_no_ice_server(
    turn: TurnBinding | None, uris: tuple[str, ...]
) -> None:
    doorman = Doorman(LIVEKIT, turn, uris)
    assert doorman.admit(make_call("audio"), DEVICE, now=NOW).ice_servers == []


def test_credentials_differ_by_device_and_time() -> None:
    made = {
        build_turn_credentials("north", device, expires_at=NOW + timedelta(seconds=seconds))
        for device in (DEVICE, UUID(int=9))
        for seconds in (0, 1)
    }
    assert len(made) == 4
