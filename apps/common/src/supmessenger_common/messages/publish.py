"""Announces what was committed on the channels of the cache; a lost hint costs only time."""

from uuid import UUID

from redis.exceptions import RedisError

from supmessenger_common.breaker import Breaker
from supmessenger_common.log import get_logger
from supmessenger_common.redis_clients import RedisClient

logger = get_logger("publish")

REVOKED_EVENT = b'{"type":"revoked"}'


def build_chat_channel(instance: str, chat_id: UUID | str) -> str:
    """Return the channel of a chat's `message`, `typing` and `read` events."""
    return f"sup:{instance}:chat:{chat_id}"


def build_user_channel(instance: str, user_id: UUID | str) -> str:
    """Return the channel of a user's `chat` events."""
    return f"sup:{instance}:user:{user_id}"


def build_session_channel(instance: str, session_id: UUID | str) -> str:
    """Return the channel that tells the end of a session."""
    return f"sup:{instance}:session:{session_id}"


def build_presence_channel(instance: str, user_id: UUID | str) -> str:
    """Return the channel of a user's presence."""
    return f"sup:{instance}:presence:{user_id}"


class Publisher:
    """Publishes events; sockets find what it could not publish by comparing sequences."""

    def __init__(self, redis_cache: RedisClient, instance: str) -> None:
        self._redis = redis_cache
        self._instance = instance
        self._breaker = Breaker()

    async def publish_chat(self, chat_id: UUID, event: bytes) -> None:
        """Publish an event to the members of a chat."""
        await self._publish(build_chat_channel(self._instance, chat_id), event)

    async def publish_user(self, user_id: UUID, event: bytes) -> None:
        """Publish an event to all devices of a user."""
        await self._publish(build_user_channel(self._instance, user_id), event)

    async def publish_revoked(self, session_id: UUID) -> None:
        """Tell the sockets of a session that it ended."""
        await self._publish(build_session_channel(self._instance, session_id), REVOKED_EVENT)

    async def publish_presence(self, user_id: UUID, event: bytes) -> None:
        """Publish a change of a user's presence."""
        await self._publish(build_presence_channel(self._instance, user_id), event)

    async def _publish(self, channel: str, event: bytes) -> None:
        try:
            await self._breaker.run(lambda: self._redis.publish(channel, event))
        except (RedisError, OSError) as error:
            logger.warning("hint not published", channel=channel, error=str(error))
