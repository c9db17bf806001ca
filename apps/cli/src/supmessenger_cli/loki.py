"""The lines of one request from an instance's Loki, also of one that was answered just now."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from supmessenger_cli.scope import Scope
from supmessenger_cli.terminal import VerbFailure, errors

MOST_LINES = 1000
POLL_SECONDS = 1.0
# While a request's newest line is younger than this, others of it may still be on their way.
SETTLED_SECONDS = 5.0


class Line(NamedTuple):
    """A line of a pod, and when it was written, in ns of Unix time."""

    moment: int
    pod: str
    text: str


async def find_lines(scope: Scope, request_id: str, *, since: str, wait: float) -> list[Line]:
    """Return all lines of a request, oldest first; VerbFailure when there is none.

    A line gets to Loki within seconds of being written. So Loki is asked again, for at most
    `wait` s, while it has none, or has only some that are so young that others may follow.
    """
    query = build_query(scope, request_id)
    deadline = time.monotonic() + wait
    told = False
    while True:
        lines = await _ask(scope, query, since=since)
        if is_settled(lines, now=time.time()) or time.monotonic() >= deadline:
            break
        if not lines and not told:
            errors.print(
                f"Loki has no line of it yet; a new one takes seconds. Asking again for {wait:g} s"
            )
            told = True
        await asyncio.sleep(POLL_SECONDS)
    if not lines:
        raise VerbFailure(
            f"Loki has no line of request {request_id} in the last {since}, after {wait:g} s",
            cure="--since looks further back, --wait asks for longer; kubectl sup status "
            f"{scope.name} {scope.flags} tells how the logs are",
        )
    return lines


def build_query(scope: Scope, request_id: str) -> str:
    """Return the LogQL for all lines of one request; VerbFailure for what can't be one."""
    if not request_id.replace("-", "").replace("_", "").isalnum():
        raise VerbFailure(f"{request_id!r} is no request id", cure="copy it from X-Request-Id")
    selector = f'{{namespace="{scope.namespace}", instance="{scope.name}"}}'
    return f'{selector} | request_id="{request_id}"'


def is_settled(lines: list[Line], *, now: float) -> bool:
    """Return whether no more lines are to be expected at `now`, in s of Unix time."""
    return bool(lines) and now - lines[-1].moment / 1e9 > SETTLED_SECONDS


def parse_lines(answer: Mapping[str, Any]) -> list[Line]:
    """Return the lines of a Loki answer, oldest first."""
    return sorted(
        Line(int(moment), stream["stream"].get("pod", "-"), line)
        for stream in answer["data"]["result"]
        for moment, line, *_ in stream["values"]
    )


async def _ask(scope: Scope, query: str, *, since: str) -> list[Line]:
    words = {"query": query, "since": since, "limit": MOST_LINES, "direction": "forward"}
    path = f"/api/v1/namespaces/{scope.namespace}/services/{scope.name}-loki:3100/proxy"
    return parse_lines(
        json.loads(
            await scope.kubectl.run(
                "get", "--raw", f"{path}/loki/api/v1/query_range?{urlencode(words)}"
            )
        )
    )
