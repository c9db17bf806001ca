"""Logs: what each part wrote of one request is found in Loki by the request's id."""

import asyncio
import json
import time
from typing import Any

from supmessenger_cli.smoke.stage import Stage

# From the moment a line is written: the shipper, its batch, and Loki's own way to it.
FOUND_SECONDS = 30.0
POLL_SECONDS = 0.5
LOOK_BACK_SECONDS = 300
WRITERS = frozenset({"edge", "api"})


async def check_logs(stage: Stage) -> None:
    """Make a request and find the lines of edge and API about it."""
    async with stage.story.step("alice: a request is answered with its id"):
        response = await stage.alice.client.call("GET", "/api/v1/users/me")
        request = response.headers["x-request-id"]
    async with stage.story.step("logs: the lines of edge and api about it are found in Loki"):
        await wait_for_writers(stage, request)


async def wait_for_writers(stage: Stage, request: str) -> None:
    """Wait until Loki has the lines of all who write about a request; TimeoutError otherwise."""
    async with asyncio.timeout(FOUND_SECONDS):
        while True:
            if await find_writers(stage, request) >= WRITERS:
                return
            await asyncio.sleep(POLL_SECONDS)


async def find_writers(stage: Stage, request: str) -> set[str]:
    """Return the components of which Loki has a line about this request."""
    selector = f'{{namespace="{stage.target.namespace}", instance="{stage.target.name}"}}'
    answer = await stage.ask(
        f"{stage.target.name}-loki",
        "http",
        "/loki/api/v1/query_range",
        query=f'{selector} | request_id="{request}"',
        start=str(int(time.time()) - LOOK_BACK_SECONDS),
        limit="20",
    )
    return {
        str(stream["stream"]["component"])
        for stream in answer["data"]["result"]
        for _, line in stream["values"]
        if is_about(line, request)
    }


def is_about(line: str, request: str) -> bool:
    """Whether a line is JSON and names the request."""
    try:
        parsed: Any = json.loads(line)
    except ValueError:
        return False
    return isinstance(parsed, dict) and parsed.get("request_id") == request
