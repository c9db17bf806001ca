"""HTTP of push."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from supmessenger_api.caller import Caller, OpenResources, count
from supmessenger_api.push.schemas import PushTarget, WebPushKey
from supmessenger_api.rate_limits import PUSH_BY_DEVICE

router = APIRouter(prefix="/v1", tags=["push"])


@router.put("/devices/current/push", status_code=204)
async def register_push(
    body: Annotated[PushTarget, Body()],
    request: Request,
    caller: Caller,
    resources: OpenResources,
) -> None:
    """Say where the caller's device can be woken when it is not connected."""
    await count(request, PUSH_BY_DEVICE, str(caller.device_id))
    await resources.push.register(caller, body)


@router.delete("/devices/current/push", status_code=204)
async def forget_push(caller: Caller, resources: OpenResources) -> None:
    """Wake the caller's device no more."""
    await resources.push.forget(caller)


@router.get("/push/web-push-key")
async def read_web_push_key(caller: Caller, resources: OpenResources) -> WebPushKey:
    """Return the application server key for `PushManager.subscribe`."""
    return WebPushKey(public_key=resources.push.find_public_key())
