"""HTTP of keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.keys.schemas import BundleRequest, Bundles, KeyCounts, PublishedKeys
from supmessenger_api.rate_limits import BUNDLES_BY_PAIR, KEYS_BY_DEVICE
from supmessenger_common.identifiers import read_clock

router = APIRouter(prefix="/v1", tags=["keys"])


@router.put("/keys")
async def publish_keys(
    body: PublishedKeys, request: Request, caller: Caller, resources: OpenResources
) -> KeyCounts:
    """Publish the keys of the caller's own device."""
    await count(request, KEYS_BY_DEVICE, str(caller.device_id))
    return await resources.keys.publish(caller, body, now=read_clock())


@router.get("/keys")
async def count_keys(caller: Caller, resources: OpenResources) -> KeyCounts:
    """Return how many one-time keys of the caller's device are left."""
    return await resources.keys.count(caller)


@router.post("/users/{user_id}/prekey-bundles", response_model_exclude_none=True)
async def take_bundles(
    user_id: UUID,
    request: Request,
    caller: Caller,
    resources: OpenResources,
    body: Annotated[BundleRequest | None, Body()] = None,
) -> Bundles:
    """Fetch what is needed to begin sessions with a user's devices."""
    await count(request, BUNDLES_BY_PAIR, str(caller.user_id), str(user_id))
    return await resources.keys.take_bundles(caller, user_id, body or BundleRequest())
