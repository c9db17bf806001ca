"""Asks Prometheus for what it is there for: that what it is told is kept, and passed on."""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from supmessenger_worker.checks.model import Answer, CheckFailedError

_FIELD = "spec.monitoring.prometheus"
_SERIES = re.compile(r"^(prometheus_\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
# It goes on saying that it is ready when its volume is full; only these counters tell.
_WRITES_FAILED = "prometheus_tsdb_wal_writes_failed_total"
_RELOADED = "prometheus_config_last_reload_successful"
_REMOTE_FAILED = "prometheus_remote_storage_samples_failed_total"
_REMOTE_RETRIED = "prometheus_remote_storage_samples_retried_total"
_REMOTE_SENT = "prometheus_remote_storage_bytes_total"
_STORED = "prometheus_tsdb_head_samples_appended_total"
_READ = (_WRITES_FAILED, _RELOADED, _REMOTE_FAILED, _REMOTE_RETRIED, _REMOTE_SENT, _STORED)

# Four rounds of scraping.
_WINDOW_SECONDS = 60.0

Counters = Mapping[str, float]


@dataclass
class PrometheusProbe:
    """Compares the counters of what was lost with those of a minute before.

    It asks more often than Prometheus scrapes: compared with the last round alone, a full volume
    would be told at every scrape and seem well in between.
    """

    base_url: str
    clock: Callable[[], float] = time.monotonic
    _rounds: deque[tuple[float, Counters]] = field(default_factory=deque)

    async def __call__(self) -> Answer:
        """Return the version; raises when it is not ready, stores nothing or passes nothing on."""
        base_url = self.base_url.rstrip("/")
        async with httpx.AsyncClient(base_url=base_url, timeout=2.0, trust_env=False) as client:
            ready = await client.get("/-/ready")
            if ready.status_code != httpx.codes.OK:
                raise CheckFailedError(f"/-/ready answers {ready.status_code}: {ready.text[:200]}")
            metrics = await client.get("/metrics")
            if metrics.status_code != httpx.codes.OK:
                raise CheckFailedError(f"/metrics answers {metrics.status_code}")
            now = parse_counters(metrics.text)
            before = remember_round(self._rounds, at=self.clock(), now=now)
            if before is not None:
                judge_counters(before, now)
            build = await client.get("/api/v1/status/buildinfo")
        version = build.json()["data"]["version"] if build.is_success else None
        return Answer(version=version)


def parse_counters(text: str) -> Counters:
    """Return the sums over all series of the counters that are judged, by name."""
    sums: dict[str, float] = {}
    for name, value in _SERIES.findall(text):
        if name in _READ:
            sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def remember_round(
    rounds: deque[tuple[float, Counters]], *, at: float, now: Counters
) -> Counters | None:
    """Add a round, and return the one to compare it with; None when there is none to tell from."""
    if rounds and now.get(_STORED, 0.0) < rounds[-1][1].get(_STORED, 0.0):
        rounds.clear()  # Prometheus was started anew, and so were its counters
    while len(rounds) > 1 and at - rounds[1][0] >= _WINDOW_SECONDS:
        rounds.popleft()
    before = rounds[0][1] if rounds else None
    rounds.append((at, now))
    return before


def judge_counters(before: Counters, now: Counters) -> None:
    """Raise CheckFailedError with the cure when something was lost between the two."""

    def grew(name: str) -> bool:
        return now.get(name, 0.0) > before.get(name, 0.0)

    if grew(_WRITES_FAILED):
        raise CheckFailedError(
            "metrics are lost, most likely as its volume is full: raise"
            f" {_FIELD}.embedded.storage.size or shorten {_FIELD}.embedded.retention"
        )
    if now.get(_RELOADED, 1.0) == 0:
        raise CheckFailedError("it refuses its configuration and goes on with the one before")
    if grew(_REMOTE_FAILED):
        raise CheckFailedError(
            f"the store elsewhere refuses the metrics: check {_FIELD}.external.url, and the"
            f" username and password in the Secret of {_FIELD}.external.credentialsSecretRef"
        )
    if grew(_REMOTE_RETRIED) and not grew(_REMOTE_SENT):
        raise CheckFailedError(
            f"the store elsewhere takes no metrics: check {_FIELD}.external.url and whether it runs"
        )
