"""Registers where a device can be woken, and tells browsers the key to subscribe with."""

from dataclasses import dataclass

import asyncpg
import orjson

from supmessenger_api.push import repository
from supmessenger_api.push.schemas import FcmTarget, Subscription, WebPushTarget
from supmessenger_common.auth import Principal
from supmessenger_common.database import Pool
from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.identifiers import encode_bytes
from supmessenger_common.push.hosts import HostRule, find_endpoint_fault
from supmessenger_common.push.sealing import TokenSeal


@dataclass(frozen=True)
class PushService:
    """Push tokens of devices; `public_key` is None where the instance offers no web push."""

    pool: Pool
    seal: TokenSeal
    hosts: tuple[HostRule, ...]
    public_key: str | None
    has_fcm: bool

    def find_public_key(self) -> str:
        """Return the application server key; raises 404 `push_unavailable`."""
        if self.public_key is None:
            raise build_unavailable("web_push")
        return self.public_key

    async def register(self, principal: Principal, target: FcmTarget | WebPushTarget) -> None:
        """Keep where the caller's device can be woken, in place of what was before.

        Raises 404 `push_unavailable`, 422 `endpoint_refused`.
        """
        if isinstance(target, FcmTarget):
            if not self.has_fcm:
                raise build_unavailable("fcm")
            token = target.token
        else:
            self.find_public_key()
            self._check_endpoint(target.subscription)
            token = build_subscription_text(target.subscription)
        try:
            await self._put(principal, provider=target.provider, token=token)
        except asyncpg.UniqueViolationError:
            # Two devices named the same token at the same moment: the later one has it.
            await self._put(principal, provider=target.provider, token=token)

    async def forget(self, principal: Principal) -> None:
        """Wake the caller's device no more."""
        await repository.delete_token(self.pool, principal.device_id)

    async def _put(self, principal: Principal, *, provider: str, token: str) -> None:
        device_id = principal.device_id
        async with self.pool.acquire() as connection, connection.transaction():
            await repository.put_token(
                connection,
                device_id,
                provider=provider,
                token=self.seal.seal(token, device_id=device_id),
                token_hash=self.seal.compute_hash(provider, token),
            )

    def _check_endpoint(self, subscription: Subscription) -> None:
        fault = find_endpoint_fault(subscription.endpoint, self.hosts)
        if fault is not None:
            raise PlatformError(
                422,
                "endpoint_refused",
                "This subscription is not at a push service this server calls.",
                errors=(FieldError("subscription.endpoint", fault),),
            )


def build_subscription_text(subscription: Subscription) -> str:
    """Return a subscription as it is kept, the same text for equal subscriptions."""
    keys = subscription.keys
    return orjson.dumps(
        {
            "endpoint": subscription.endpoint,
            "p256dh": encode_bytes(keys.p256dh),
            "auth": encode_bytes(keys.auth),
        }
    ).decode()


def build_unavailable(provider: str) -> PlatformError:
    """Return 404 for a way of push this instance does not have."""
    return PlatformError(404, "push_unavailable", f"This server offers no push by {provider}.")
