"""Asks Loki for what it is there for: that it is ready, and that what is written to it stays."""

import re
import time
from dataclasses import dataclass

import httpx

from supmessenger_worker.checks.model import Answer, CheckFailedError

# Loki goes on saying yes to writes when its volume is full; only these counters tell.
_LOST = re.compile(
    r"^(loki_ingester_wal_disk_full_failures_total|loki_ingester_chunks_flush_failures_total)"
    r"(?:\{[^}]*\})? (\S+)$",
    re.MULTILINE,
)


@dataclass
class LokiProbe:
    """Writes one line each round, and compares the counters of what was lost with the last ones."""

    base_url: str
    instance: str
    _lost: float | None = None

    async def __call__(self) -> Answer:
        """Return the version; raises when Loki is not ready, refuses a line or loses lines.

        The board allows it less time than its client does.
        """
        base_url = self.base_url.rstrip("/")
        async with httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False) as client:
            ready = await client.get("/ready")
            if ready.status_code != httpx.codes.OK:
                raise CheckFailedError(f"/ready answers {ready.status_code}: {ready.text[:200]}")
            if self._lost is None:
                self._lost = await _read_lost(client)
            await self._write(client)
            before, self._lost = self._lost, await _read_lost(client)
            if self._lost > before:
                raise CheckFailedError(
                    "what it is sent is not stored, most likely as its volume is full: raise"
                    " spec.monitoring.logs.storage.size or shorten spec.monitoring.logs.retention"
                )
            build = await client.get("/loki/api/v1/status/buildinfo")
        return Answer(version=build.json().get("version") if build.is_success else None)

    async def _write(self, client: httpx.AsyncClient) -> None:
        labels = {"instance": self.instance, "component": "worker", "container": "check"}
        line = [str(time.time_ns()), '{"event":"check"}']
        answer = await client.post(
            "/loki/api/v1/push", json={"streams": [{"stream": labels, "values": [line]}]}
        )
        if not answer.is_success:
            raise CheckFailedError(f"a line is refused: {answer.status_code} {answer.text[:200]}")


async def _read_lost(client: httpx.AsyncClient) -> float:
    answer = await client.get("/metrics")
    if answer.status_code != httpx.codes.OK:
        raise CheckFailedError(f"/metrics answers {answer.status_code}")
    return sum(float(value) for _, value in _LOST.findall(answer.text))
