"""A Loki and a Prometheus whose volumes are really full: told, nothing ends, and it heals."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from support.instance import wait_until
from support.log_stage import open_log_stage
from support.messengers import make_messenger
from support.stage import Stage, build_alone, open_namespace

from supmessenger_operator.desired import prometheus
from supmessenger_worker.checks.loki import LokiProbe
from supmessenger_worker.checks.model import CheckFailedError
from supmessenger_worker.checks.prometheus import PrometheusProbe

pytestmark = pytest.mark.node

FOUND_SECONDS = 60


async def fill(address: str) -> None:
    """Send a Loki more than its volume of 4 MiB holds, as fast as it takes it."""
    labels = {"instance": "small", "component": "noise"}
    async with httpx.AsyncClient(
        base_url=f"http://{address}:3100", trust_env=False, timeout=FOUND_SECONDS
    ) as client:
        for _ in range(12):
            lines = [
                [str(time.time_ns()), base64.b64encode(secrets.token_bytes(50_000)).decode()]
                for _ in range(8)
            ]
            streams = [{"stream": labels, "values": lines}]
            body = {"streams": streams}

            async def is_taken(body: Mapping[str, Any] = body) -> bool:
                answer = await client.post("/loki/api/v1/push", json=body)
                assert answer.is_success or answer.status_code == 429, answer.text
                return answer.is_success

            await wait_until(is_taken, timeout=FOUND_SECONDS, what="Loki to take more lines")


async def test_a_full_volume_of_logs_is_told_and_ends_nothing() -> None:
    async with open_log_stage() as stage:
        await stage.run_loki("small", volume="4Mi")
        await stage.wait_for("statefulset/small-loki")
        probe = LokiProbe(f"http://{await stage.address('small-loki-0')}:3100", instance="small")
        told = ""

        async def is_well() -> bool:
            try:
                return bool((await probe()).version)
            except httpx.TransportError:
                return False  # no answer in time

        async def is_told() -> bool:
            nonlocal told
            try:
                await probe()
            except httpx.TransportError:
                return False  # no answer in time
            except CheckFailedError as failed:
                told = str(failed)
            return "volume is full" in told

        await wait_until(is_well, timeout=FOUND_SECONDS, what="the check to be content")
        await fill(await stage.address("small-loki-0"))
        await wait_until(is_told, timeout=FOUND_SECONDS, what="the check to tell of the volume")
        assert "spec.monitoring.logs.retention" in told
        assert await stage.health("small-loki-0") == (True, 0)


async def test_a_full_volume_of_metrics_is_told_ends_nothing_and_heals() -> None:
    async with open_namespace("metrics") as (namespace, images):
        stage = Stage(namespace=namespace, images=images)
        messenger = make_messenger(name="small", namespace=namespace)
        await stage.apply(*build_alone(prometheus, messenger, images, volume="32Mi"))
        await stage.wait_for("statefulset/small-prometheus")
        pod, inside = "small-prometheus-0", ("-n", namespace, "--", "sh", "-c")
        probe = PrometheusProbe(f"http://{await stage.address(pod)}:{prometheus.PORT}")
        told = ""

        async def is_full() -> bool | None:
            """Tell what the check says; None when it got no answer in time."""
            nonlocal told
            try:
                await probe()
            except httpx.TransportError:
                return None
            except CheckFailedError as failed:
                told = str(failed)
                return "volume is full" in told
            return False

        async def are_stored(since: float) -> bool:
            answer = await stage.ask(
                "small-prometheus",
                "/api/v1/query",
                query=f"max(timestamp(up)) > {since}",
            )
            return bool(answer["data"]["result"])

        await wait_until(lambda: are_stored(0), timeout=90, what="a first round of metrics")
        assert await is_full() is not True
        filled = "cat /dev/zero 2>&1 > /prometheus/filler || true"
        assert "No space left" in await stage.kubectl.run("exec", pod, *inside, filled)
        await wait_until(is_full, timeout=90, what="the check to tell of the volume")
        assert "spec.monitoring.prometheus.embedded.storage.size" in told
        # Also between two scrapes: it is not told now and then.
        assert False not in [await is_full() for _ in range(20)]
        assert await stage.health(pod) == (True, 0)
        # With room again, metrics are stored again, without a restart.
        await stage.kubectl.run("exec", pod, *inside, "rm /prometheus/filler")
        freed = time.time()
        await wait_until(lambda: are_stored(freed), timeout=90, what="metrics to be stored again")

        async def is_well() -> bool:
            return await is_full() is False

        await wait_until(is_well, timeout=90, what="the check to be content")
        assert await stage.health(pod) == (True, 0)
