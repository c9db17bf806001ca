"""Asks a service of the instance whether it is ready."""

import httpx

from supmessenger_worker.checks.model import Answer, CheckFailedError


async def probe_readyz(base_url: str) -> Answer:
    """GET `<base_url>/readyz`; what a 503 names is passed on."""
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        response = await client.get(f"{base_url.rstrip('/')}/readyz")
    if response.status_code != httpx.codes.OK:
        raise CheckFailedError(f"/readyz answers {response.status_code}: {response.text[:200]}")
    return Answer()
