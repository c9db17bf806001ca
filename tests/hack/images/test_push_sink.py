"""The stand-in for push providers: what it is given it tells, and a name decides its answer."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from support.image_programs import find_program, load_program
from support.push_sink import PushSink, open_push_sink


@pytest.fixture
def sink() -> Iterator[PushSink]:
    with open_push_sink() as opened:
        yield opened


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


def build_fcm(name: str) -> bytes:
    return json.dumps({"message": {"token": name, "data": {}}}).encode()


@pytest.mark.parametrize(
    ("name", "status"),
    [("phone", 201), ("gone-1", 410), ("busy-1", 429), ("broken-1", 500), ("refused-1", 403)],
)
def test_a_web_push_is_kept_and_answered_by_name(sink: PushSink, name: str, status: int) -> None:
    answer = ask(f"{sink.url}/web-push/{name}", b"\x01\x02", TTL="60", Topic="t")
    assert answer[0] == status
    assert ("Retry-After" in answer[2]) == (status == 429)
    _, told, _ = ask(f"{sink.url}/pushes?to={name}")
    (push,) = told
    assert base64.urlsafe_b64decode(push["body"]) == b"\x01\x02"
    assert push["headers"] == {"topic": "t", "ttl": "60"}
    assert (push["provider"], push["status"]) == ("web_push", status)


def test_fcm_wants_the_access_token_it_gave(sink: PushSink) -> None:
    module = load_program("push-sink")
    url = f"{sink.url}/v1/projects/p/messages:send"
    assert ask(url, build_fcm("phone"))[0] == 401
    _, grant, _ = ask(f"{sink.url}/token", b"grant_type=x&assertion=a.b.c")
    assert grant["access_token"] == module.ACCESS_TOKEN
    bearer = {"Authorization": f"Bearer {grant['access_token']}"}
    assert ask(url, build_fcm("phone"), **bearer)[0] == 200
    status, told, _ = ask(url, build_fcm("gone"), **bearer)
    assert (status, told["error"]["status"]) == (404, "UNREGISTERED")
    assert ask(url, b"not json", **bearer)[0] == 400
    assert [push.to for push in sink.find()] == ["phone", "gone"]


def test_an_assertion_that_is_none_gets_no_access_token(sink: PushSink) -> None:
    status, told, _ = ask(f"{sink.url}/token", b"assertion=nothing")
    assert (status, told) == (400, {"error": "invalid_grant"})


def test_the_oldest_requests_make_room() -> None:
    module = load_program("push-sink")
    record = module.Record(capacity=2)
    for name in "abc":
        record.add(module.Push("fcm", name, 200, {}, "", ""))
    assert [push.to for push in record.find(None)] == ["b", "c"]


def test_too_much_is_refused(sink: PushSink) -> None:
    assert ask(f"{sink.url}/web-push/x", bytes(16 * 1024 + 1))[0] == 413
    assert ask(f"{sink.url}/elsewhere", b"")[0] == 404


def test_it_ends_in_order_when_it_is_told_to() -> None:
    command = [sys.executable, str(find_program("push-sink")), "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["http"]
        assert ask(f"http://127.0.0.1:{port}/healthz")[1] == {"status": "ok"}
        process.terminate()
        assert process.wait(timeout=60) == 0
