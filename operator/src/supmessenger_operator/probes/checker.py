"""Read an instance's checker by HTTP: bounded concurrency, a short timeout, a short memory."""

import asyncio
import time
from contextlib import suppress

import aiohttp
from pydantic import ValidationError

from supmessenger_operator.model.checks import CheckReport

TIMEOUT = aiohttp.ClientTimeout(total=2)
CONCURRENT_PROBES = 50
PORT = 3004

Key = tuple[str, str]


class Checkers:
    """The checkers of all instances."""

    def __init__(self, *, cluster_domain: str = "cluster.local", url: str = "") -> None:
        self._url = url or "http://{name}-worker.{namespace}.svc." + cluster_domain + f":{PORT}"
        self._slots = asyncio.Semaphore(CONCURRENT_PROBES)
        self._session: aiohttp.ClientSession | None = None
        self._reports: dict[Key, tuple[float, CheckReport | None]] = {}

    def recall(self, key: Key) -> CheckReport | None:
        """Return the last report without asking."""
        return self._reports.get(key, (0.0, None))[1]

    async def probe(
        self, key: Key, *, max_age: float = 0.0, run_now: bool = False
    ) -> CheckReport | None:
        """Return the checker's report, or None when it does not answer.

        `max_age` seconds old is good enough; `run_now` makes the checker check at once.
        """
        asked, known = self._reports.get(key, (float("-inf"), None))
        if time.monotonic() - asked < max_age:
            return known
        report = await self._ask(key, method="POST" if run_now else "GET")
        self._reports[key] = (time.monotonic(), report)
        return report

    def forget(self, key: Key) -> None:
        """Forget an instance that is gone."""
        self._reports.pop(key, None)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, key: Key, *, method: str) -> CheckReport | None:
        namespace, name = key
        url = self._url.format(name=name, namespace=namespace) + "/v1/checks"
        if self._session is None:
            # One at a time to each worker, and no connection kept to pods that come and go.
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT, connector=aiohttp.TCPConnector(force_close=True)
            )
        with suppress(aiohttp.ClientError, TimeoutError, ValidationError, ValueError):
            async with self._slots, self._session.request(method, url) as answer:
                if answer.status == 200:
                    return CheckReport.model_validate_json(await answer.read())
        return None
