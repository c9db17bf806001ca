"""Events reach Kafka from a whole instance, also when the broker is killed while messages flow."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.instance import Instance, Member, make_tiny, wait_until

from supmessenger_cli.wire import encode_bytes

pytestmark = pytest.mark.node

NAME = "events"
# A broker is back within seconds; on a machine busy with much else its start takes minutes.
RECOVERY_SECONDS = 300


@pytest.fixture
async def events() -> AsyncIterator[Instance]:
    """A tiny instance with Kafka beside demo, removed with its data afterwards."""
    instance = Instance(NAME)
    manifest = make_tiny(NAME)
    manifest["spec"] |= {"kafka": {"enabled": True}, "backup": {"enabled": False}}
    await instance.apply(manifest)
    await instance.wait_until_ready(timeout=RECOVERY_SECONDS)
    yield instance
    await instance.remove_with_data()


async def test_no_event_is_lost_or_out_of_order_when_the_broker_is_killed(
    events: Instance,
) -> None:
    condition = await events.condition("KafkaReady")
    assert condition["status"] == "True", condition
    async with events.member("alice") as alice, events.member("bob") as bob:
        chat = await alice.client.call_json(
            "POST", "/api/v1/chats", json={"type": "direct", "memberIds": [bob.client.user]}
        )
        sent = [await send(alice, chat["id"]) for _ in range(20)]
        pod = f"{events.name}-kafka-0"
        before = (await events.get("pod", pod))["metadata"]["uid"]
        await events.kubectl.run(
            *("delete", "pod", pod, "-n", events.namespace),
            *("--grace-period=1", "--wait=false"),
        )
        # No send waits for Kafka: these are all acknowledged while it is away.
        sent += [await send(alice, chat["id"]) for _ in range(60)]

        async def has_successor() -> bool:
            pods = {one["metadata"]["name"]: one["metadata"]["uid"] for one in await events.pods()}
            return bool(pods.get(pod, before) != before)

        await wait_until(has_successor, timeout=RECOVERY_SECONDS, what="another broker")
        sent += [await send(alice, chat["id"]) for _ in range(20)]

        async def are_all_there() -> bool:
            return await read_ids(events, chat["id"]) == sent

        await wait_until(are_all_there, timeout=RECOVERY_SECONDS, what="all events, in order")
    await events.wait_until_ready(timeout=RECOVERY_SECONDS)


async def send(member: Member, chat: str) -> str:
    """Send a message; returns its id."""
    body = {
        "clientMsgId": secrets.token_hex(16),
        "contentType": "text/plain",
        "content": encode_bytes(secrets.token_bytes(16)),
    }
    async with asyncio.timeout(10):
        sent: dict[str, Any] = await member.client.call_json(
            "POST", f"/api/v1/chats/{chat}/messages", json=body
        )
    return str(sent["id"])


async def read_ids(instance: Instance, chat: str) -> list[str]:
    """Return the ids of a chat's events in the order of the topic, each where it came first."""
    process = await asyncio.create_subprocess_exec(
        *("kubectl", "exec", "-n", instance.namespace, f"deployment/{instance.name}-worker"),
        *("-c", "worker", "--", "sup-events", "--chat", chat, "--timeout", "15"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    if process.returncode != 0:  # Kafka is still away
        return []
    return list(dict.fromkeys(json.loads(line)["id"] for line in output.splitlines()))
