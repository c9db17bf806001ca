"""Asks Grafana whether it works."""

import httpx

from supmessenger_worker.checks.model import Answer, CheckFailedError


async def probe_grafana(base_url: str) -> Answer:
    """GET `<base_url>/api/health`; raises when its own database does not answer it."""
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        response = await client.get(f"{base_url.rstrip('/')}/api/health")
    if response.status_code != httpx.codes.OK:
        raise CheckFailedError(f"/api/health answers {response.status_code}: {response.text[:200]}")
    health = response.json()
    if health.get("database") != "ok":
        raise CheckFailedError(f"its database is not well: {health.get('database')}")
    return Answer(version=health.get("version"))
