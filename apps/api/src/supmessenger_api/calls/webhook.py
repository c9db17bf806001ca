"""What the media server tells: verified, taken once, in any order."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from livekit.api import TokenVerifier, WebhookEvent, WebhookReceiver
from redis.exceptions import RedisError

from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.events import build_call_event
from supmessenger_common.calls.model import Call, Presence
from supmessenger_common.calls.rooms import Rooms, build_presence
from supmessenger_common.calls.store import end_call, record_presence
from supmessenger_common.calls.welcome import expel, fetch_unwelcome
from supmessenger_common.database import Pool
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import read_clock
from supmessenger_common.log import get_logger
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.redis_clients import RedisClient

logger = get_logger("calls.webhook")

LEEWAY = timedelta(seconds=5)
# Longer than any token of the media server is good for.
REMEMBERED = timedelta(minutes=15)


class _NotOursError(Exception):
    """The body is not what its signature says."""


@dataclass(frozen=True)
class Webhook:
    """Takes the events of the media server."""

    pool: Pool
    publisher: Publisher
    redis_state: RedisClient
    binding: LivekitBinding
    rooms: Rooms

    async def take(self, body: bytes, authorization: str | None) -> None:
        """Take one event; raises 401 `webhook_refused` for what is forged, too old or a repeat."""
        event = self._verify(body, authorization or "")
        # The event's own id is part of what is signed; a token has more than one spelling.
        key = f"livekit-webhook:{event.id or hashlib.sha256(body).hexdigest()}"
        if not await self._remember(key):
            raise build_refused("This event was delivered before.")
        try:
            call = await self._record(event)
        except BaseException:
            # The media server tries again, and must be heard then.
            await self._forget(key)
            raise
        if call is not None:
            await self.publisher.publish_chat(call.chat_id, build_call_event(call))

    def _verify(self, body: bytes, token: str) -> WebhookEvent:
        verifier = TokenVerifier(self.binding.api_key, self.binding.api_secret, leeway=LEEWAY)
        try:
            return WebhookReceiver(verifier).receive(body.decode(), token)
        # The library raises many kinds, a plain Exception for a false hash among them; whatever
        # it is, the event is not one to believe.
        except Exception as error:
            logger.warning("webhook refused", why=type(error).__name__)
            raise build_refused("Its signature is not the media server's.") from None

    async def _record(self, event: WebhookEvent) -> Call | None:
        told_at = datetime.fromtimestamp(event.created_at, tz=UTC)
        room = event.room.name
        match event.event:
            case "participant_joined":
                presence = build_presence(event.participant)
                return await self._follow(room, presence)
            case "participant_left" | "participant_connection_aborted":
                presence = build_presence(event.participant)
                return await record_presence(self.pool, room, presence, left_at=told_at)
            case "room_finished":
                return await end_call(self.pool, room, now=told_at)
            case _:
                # A room begins before anybody is in it, and of tracks nothing is kept.
                return None

    async def _follow(self, room: str, presence: Presence) -> Call | None:
        # Who was taken out can come back with what the media server gave him before.
        devices = [] if presence.device_id is None else [presence.device_id]
        if await fetch_unwelcome(self.pool, room, devices):
            try:
                return await expel(self.pool, self.rooms, room, presence, now=read_clock())
            except PlatformError as error:
                # He is in the call then, until the worker's look at it succeeds.
                logger.warning("not taken out of a call", room=room, why=str(error))
        return await record_presence(self.pool, room, presence, left_at=None)

    async def _remember(self, key: str) -> bool:
        try:
            return bool(await self.redis_state.set(key, b"1", nx=True, ex=REMEMBERED))
        except (RedisError, OSError) as error:
            # A repeat changes nothing anyway: to lose an event would be worse.
            logger.warning("repeats not watched", error=str(error))
            return True

    async def _forget(self, key: str) -> None:
        try:
            await self.redis_state.delete(key)
        except (RedisError, OSError) as error:
            logger.warning("event not forgotten", error=str(error))


def build_refused(detail: str) -> PlatformError:
    """Return 401 for an event that is not to be believed."""
    return PlatformError(401, "webhook_refused", detail)
