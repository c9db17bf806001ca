"""Logs on the node: found by request, kept apart, no trouble while Loki is away or full."""

import asyncio
import json
import secrets
import time

import pytest
from support.instance import Instance, wait_until
from support.log_stage import open_log_stage, query_loki

from supmessenger_cli.wire import encode_bytes

pytestmark = pytest.mark.node

FOUND_SECONDS = 60
# A line waits for its batch, and for the tries at one Loki that is away.
HELD_UP_SECONDS = 30


async def test_a_request_is_found_by_its_id_in_the_lines_of_edge_and_api(demo: Instance) -> None:
    request = f"test-{secrets.token_hex(8)}"
    async with demo.member("alice") as alice:
        answer = await alice.client.call(
            "GET", "/api/v1/users/me", headers={"X-Request-Id": request}
        )
    assert answer.headers["x-request-id"] == request
    selector = f'{{namespace="chat", instance="demo"}} | request_id="{request}"'
    found: dict[str, dict[str, str]] = {}

    async def has_both() -> bool:
        for stream in await query_loki(demo.kubectl, "chat", "demo", selector):
            (line,) = [json.loads(text) for _, text in stream["values"]]
            found[stream["stream"]["component"]] = line
        return {"edge", "api"} <= set(found)

    await wait_until(has_both, timeout=FOUND_SECONDS, what="lines of edge and api")
    assert found["edge"]["path"] == "/api/v1/users/me"
    assert found["api"]["route"] == "/v1/users/me"
    assert {line["request_id"] for line in found.values()} == {request}


async def test_the_request_is_no_label_and_streams_stay_few(demo: Instance) -> None:
    path = "/api/v1/namespaces/chat/services/demo-loki:http/proxy/loki/api/v1/labels"
    labels = json.loads(await demo.kubectl.run("get", "--raw", path))["data"]
    assert set(labels) == {"namespace", "instance", "component", "pod", "container"}


async def test_lines_of_instances_do_not_mix_and_none_holds_up_another() -> None:
    word = secrets.token_hex(6)
    async with open_log_stage() as stage:
        talk = f"while :; do echo '{word} of '$0; sleep 0.2; done"
        await asyncio.gather(
            stage.run_loki("one", volume="64Mi"),
            stage.run_loki("two", volume="64Mi"),
            # The name of a Loki behind which there is none, and an instance that keeps no logs.
            stage.run_loki("dead", pods=False),
            *(
                stage.run_writer(name, talk.replace("$0", name))
                for name in ("one", "two", "dead", "off")
            ),
            # Names that would lead to another Loki, were they taken as they are.
            stage.run_writer("one-loki.x", f"echo '{word} of dots'", name="dots"),
            stage.run_writer("ONE_two", f"echo '{word} of capitals'", name="capitals"),
        )
        await asyncio.gather(
            *(stage.wait_for(f"statefulset/{name}-loki") for name in ("one", "two"))
        )
        await asyncio.gather(
            *(stage.wait_for_line(name, f"{word} of {name}") for name in ("one", "two"))
        )
        late = secrets.token_hex(6)
        began = time.monotonic()
        await stage.run_writer("one", f"echo {late}", name="late")
        await stage.wait_for_line("one", late, timeout=HELD_UP_SECONDS)
        print(f"a line of one was found after {time.monotonic() - began:.1f} s")
        for name in ("one", "two"):
            lines = [
                text
                for stream in await stage.query(name, f'{{instance=~".+"}} |= "{word}"')
                for _, text in stream["values"]
            ]
            assert set(lines) == {f"{word} of {name}"}


async def test_messages_go_on_while_loki_is_away_and_the_status_says_so(demo: Instance) -> None:
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        body = {"type": "direct", "memberIds": [bob.client.user]}
        chat = await alice.client.call_json("POST", "/api/v1/chats", json=body)
        where = ("-n", demo.namespace, "--grace-period=1", "--wait=false")
        await demo.kubectl.run("delete", "pod", "demo-loki-0", *where)

        async def is_told() -> bool:
            condition = await demo.condition("LokiReady")
            return bool(condition["status"] == "False" and "demo-loki" in condition["message"])

        await wait_until(is_told, timeout=30, what="LokiReady to tell")
        for count in range(10):
            message = {
                "clientMsgId": secrets.token_hex(16),
                "contentType": "text/plain",
                "content": encode_bytes(f"message {count}".encode()),
            }
            path = f"/api/v1/chats/{chat['id']}/messages"
            sent = await alice.client.call_json("POST", path, json=message)
            assert sent["seq"] == count + 1
