"""Asks LiveKit whether it serves, and whether it takes our key."""

import httpx

from livekit import api
from supmessenger_common.bindings import LivekitBinding
from supmessenger_worker.checks.model import Answer, CheckFailedError

_REFUSED = (401, 403)


async def probe_livekit(base_url: str, binding: LivekitBinding | None) -> Answer:
    """GET `/`, which is 200 while the node's own figures are fresh, then list a room nobody has."""
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        response = await client.get(f"{base_url.rstrip('/')}/")
        if response.status_code != httpx.codes.OK:
            raise CheckFailedError(f"it answers {response.status_code}: {response.text[:200]}")
        if binding is None:
            return Answer()
        token = api.AccessToken(binding.api_key, binding.api_secret)
        token = token.with_grants(api.VideoGrants(room_list=True))
        response = await client.post(
            f"{base_url.rstrip('/')}/twirp/livekit.RoomService/ListRooms",
            headers={"Authorization": f"Bearer {token.to_jwt()}"},
            json={"names": ["sup-check"]},
        )
    if response.status_code in _REFUSED:
        raise CheckFailedError(
            "it refuses the api key and secret: they must be the ones it was configured with (for"
            " an external LiveKit, those of spec.livekit.external.credentialsSecretRef)"
        )
    if response.status_code != httpx.codes.OK:
        raise CheckFailedError(f"listing rooms answers {response.status_code}")
    return Answer()
