"""Metrics: a message that was sent shows in Prometheus."""

import asyncio
import secrets
import time
from typing import Any

from supmessenger_cli.smoke.stage import Stage
from supmessenger_cli.wire import encode_bytes

# Twice the time between two scrapes, and room for a busy machine.
SEEN_SECONDS = 60.0
POLL_SECONDS = 0.5
# Of the pods that are there, which are asked every 15 s: what a pod counted that is gone is told
# for five minutes more where Prometheus was replaced with it.
_LATELY = "timestamp(messages_sent_total) > time() - 40"
SENT = f"sum(messages_sent_total and ({_LATELY}))"
ASKED = f"min({_LATELY})"


async def check_metrics(stage: Stage) -> None:
    """Send one message more and wait until the counter has moved."""
    async with stage.story.step("metrics: Prometheus knows the messages sent so far"):
        before = await wait_for_count(stage, above=0, newer_than=time.time())
    async with stage.story.step("metrics: messages_sent_total moved after a message of alice"):
        await stage.alice.client.call_json(
            "POST",
            f"/api/v1/chats/{stage.chat}/messages",
            json={
                "clientMsgId": secrets.token_hex(16),
                "contentType": "text/plain",
                "content": encode_bytes(secrets.token_bytes(24)),
            },
        )
        await wait_for_count(stage, above=before)


async def wait_for_count(stage: Stage, *, above: float, newer_than: float = 0) -> float:
    """Wait until Prometheus counts more messages, asked later than a moment; TimeoutError else."""
    async with asyncio.timeout(SEEN_SECONDS):
        while True:
            asked = await query(stage, ASKED)
            counted = await query(stage, SENT)
            if counted > above and asked > newer_than:
                return counted
            await asyncio.sleep(POLL_SECONDS)


async def query(stage: Stage, expr: str) -> float:
    """Return the one value of an expression; 0 when there is none yet."""
    answer = await stage.ask(f"{stage.target.name}-prometheus", "http", "/api/v1/query", query=expr)
    result: list[dict[str, Any]] = answer["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0
