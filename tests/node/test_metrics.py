"""On the node: every pod is a healthy target once, and every panel has something to show."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest
from support.instance import Instance, wait_until

from supmessenger_cli.conversation import SinkMailbox, hold_conversation
from supmessenger_operator.desired.dashboards import read_dashboards

pytestmark = pytest.mark.node

_DASHBOARDS = {name: json.loads(text) for name, text in read_dashboards().items()}
# What one exporter pod tells of others, under the name of the part.
_BY_EXPORTERS = {"postgres": "postgres", "redis-cache": "redis-cache", "redis-state": "redis-state"}
_SILENT = {"kafka"}
# As the seed names them.
SEED_METRICS = (
    "http_requests_total",
    "http_request_duration_seconds_count",
    "websocket_connections_active",
    "messages_sent_total",
    "pg_stat_activity_count",
)


async def ask(instance: Instance, service: str, path: str, **query: str) -> Any:
    """Return the JSON that a Service of the instance answers, by the API server's proxy."""
    where = f"/api/v1/namespaces/{instance.namespace}/services/{instance.name}-{service}:http/proxy"
    return json.loads(
        await instance.kubectl.run("get", "--raw", f"{where}{path}?{urlencode(query)}")
    )


async def list_targets(instance: Instance) -> list[dict[str, Any]]:
    """Return what Prometheus asks."""
    answer = await ask(instance, "prometheus", "/api/v1/targets", state="active")
    targets: list[dict[str, Any]] = answer["data"]["activeTargets"]
    return targets


async def count_series(instance: Instance, expr: str) -> int:
    """Return how many series an expression has now."""
    answer = await ask(instance, "prometheus", "/api/v1/query", query=expr)
    return len(answer["data"]["result"])


async def count_lines(instance: Instance, expr: str) -> int:
    """Return how many streams of logs answer."""
    start = str(int(time.time()) - 3600)
    answer = await ask(
        instance, "loki", "/loki/api/v1/query_range", query=expr, start=start, limit="5"
    )
    return len(answer["data"]["result"])


@pytest.fixture
async def spoken(demo: Instance) -> Instance:
    """The instance after a conversation, as Prometheus has heard of it."""
    mailbox = SinkMailbox(kubectl=demo.kubectl, namespace=demo.namespace, service="smtp-sink")
    await hold_conversation(await demo.target(), mailbox=mailbox, report=lambda _: None)

    async def has_heard() -> bool:
        return await count_series(demo, "rate(messages_sent_total[1m])") > 0

    await wait_until(has_heard, timeout=60, what="the conversation to show in Prometheus")
    return demo


async def test_every_pod_is_a_healthy_target_exactly_once(demo: Instance) -> None:
    async def explain() -> str:
        """Return what is wrong with the targets; nothing when they are as they should be."""
        expected = Counter[str]()
        for pod in await demo.pods():
            component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            if component == "exporters":
                expected["redis-exporter"] += 1
            elif component not in _SILENT:
                expected[_BY_EXPORTERS.get(component, component)] += 1
        targets = [one for one in await list_targets(demo) if one["labels"]["job"] != "node"]
        found = Counter(one["labels"]["job"] for one in targets)
        sick = [f"{one['labels']}: {one['lastError']}" for one in targets if one["health"] != "up"]
        return f"{found} for {expected}; {sick}" if found != expected or sick else ""

    async def are_right() -> bool:
        return not await explain()

    try:
        await wait_until(are_right, timeout=60, what="the targets")
    except AssertionError:
        assert await explain() == ""


async def test_the_metrics_of_the_seed_are_there(spoken: Instance) -> None:
    for name in SEED_METRICS:
        assert await count_series(spoken, name) > 0, name


async def test_every_query_of_every_panel_returns_series(spoken: Instance) -> None:
    queries = [
        (f"{dashboard['title']} / {panel['title']}", target)
        for dashboard in _DASHBOARDS.values()
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    assert len(queries) > 60
    limit = asyncio.Semaphore(4)

    async def is_empty(target: dict[str, Any]) -> bool:
        async with limit:
            if target["datasource"]["type"] == "loki":
                return await count_lines(spoken, target["expr"]) == 0
            return await count_series(spoken, target["expr"]) == 0

    async def list_empty() -> list[str]:
        empty = await asyncio.gather(*(is_empty(target) for _, target in queries))
        pairs = zip(queries, empty, strict=True)
        return [f"{place}: {target['expr']}" for (place, target), is_bare in pairs if is_bare]

    async def all_answer() -> bool:
        return not await list_empty()

    try:
        await wait_until(all_answer, timeout=45, what="every panel to have something to show")
    except AssertionError:
        assert await list_empty() == []


async def test_the_rules_are_loaded_and_all_can_be_evaluated(demo: Instance) -> None:
    answer = await ask(demo, "prometheus", "/api/v1/rules")
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    assert len(rules) > 30
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}


async def test_a_pod_that_takes_the_place_of_another_is_asked(demo: Instance) -> None:
    (before,) = [one for one in await list_targets(demo) if one["labels"]["job"] == "postgres"]
    pod = before["labels"]["instance"]
    await demo.kubectl.run("delete", "pod", pod, "-n", demo.namespace, "--wait=false")

    async def has_moved_on() -> bool:
        found = [one for one in await list_targets(demo) if one["labels"]["job"] == "postgres"]
        return [one["health"] for one in found] == ["up"] and found[0]["labels"]["instance"] != pod

    await wait_until(has_moved_on, timeout=90, what="the new pod of the exporters to be asked")
