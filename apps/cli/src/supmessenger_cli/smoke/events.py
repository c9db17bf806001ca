"""Events: the messages of the conversation are read back from Kafka, in order, without content."""

import asyncio
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from supmessenger_cli.conversation import SmokeFailure
from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.wire import encode_bytes

ARRIVAL_SECONDS = 30.0
POLL_SECONDS = 0.5
# The api writes when a chat began, the worker's clock marks what is given to Kafka.
CLOCKS_APART = timedelta(minutes=1)


async def check_events(stage: Stage) -> None:
    """Write once more and find every message of the chat in the topic, in its order."""
    content = encode_bytes(secrets.token_bytes(24))
    async with stage.story.step("alice: message's event read back from Kafka, in order"):
        sent = await stage.alice.client.call_json(
            "POST",
            f"/api/v1/chats/{stage.chat}/messages",
            json={
                "clientMsgId": secrets.token_hex(16),
                "contentType": "text/plain",
                "content": content,
            },
        )
        chat = await stage.alice.client.call_json("GET", f"/api/v1/chats/{stage.chat}")
        since = compute_since(chat["createdAt"])
        async with asyncio.timeout(ARRIVAL_SECONDS):
            events = await wait_for_event(stage, str(sent["id"]), since=since)
        check_order(events, last=sent["seq"])
        if content in json.dumps(events):
            raise SmokeFailure("an event holds the content of its message")


def compute_since(created_at: str) -> str:
    """Return the moment from which the topic is read: what is older is not of this chat."""
    return (datetime.fromisoformat(created_at) - CLOCKS_APART).isoformat()


async def wait_for_event(stage: Stage, message: str, *, since: str) -> list[dict[str, Any]]:
    """Read the chat's events until that of a message is there."""
    while True:
        events = await read_events(stage, since=since)
        if any(event["messageId"] == message for event in events):
            return events
        await asyncio.sleep(POLL_SECONDS)


async def read_events(stage: Stage, *, since: str) -> list[dict[str, Any]]:
    """Return the events of the chat, read by a worker: nobody outside needs to reach Kafka."""
    output = await stage.kubectl.run(
        *("exec", "-n", stage.target.namespace, f"deployment/{stage.target.name}-worker"),
        *("-c", "worker", "--", "sup-events", "--chat", stage.chat),
        *("--since", since, "--timeout", "15"),
    )
    return [json.loads(line) for line in output.splitlines()]


def check_order(events: list[dict[str, Any]], *, last: int) -> None:
    """Refuse events that are not 1, 2, 3 …; a repeated one counts where it came first."""
    seqs = list(dict.fromkeys(event["seq"] for event in events))
    if seqs != list(range(1, last + 1)):
        raise SmokeFailure(f"the chat's events have the places {seqs}, not 1 to {last}")
