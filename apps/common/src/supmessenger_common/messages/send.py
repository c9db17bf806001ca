"""Sends a message: store, count, announce after the commit."""

from supmessenger_common.database import Executor
from supmessenger_common.messages.events import build_message_hint
from supmessenger_common.messages.model import NewMessage, StoredMessage
from supmessenger_common.messages.publish import Publisher
from supmessenger_common.messages.store import store_message
from supmessenger_common.messages.trails import NO_TRAILS, Trails
from supmessenger_common.metrics import MESSAGES_SENT


async def send_message(
    executor: Executor,
    publisher: Publisher,
    message: NewMessage,
    *,
    trails: Trails = NO_TRAILS,
) -> StoredMessage:
    """Store a message and announce it; a repeated send is announced once only.

    Raises what `store_message` raises.
    """
    stored = await store_message(executor, message, trails=trails)
    if not stored.repeated:
        MESSAGES_SENT.labels(stored.chat_type).inc()
        await publisher.publish_chat(stored.chat_id, build_message_hint(message, stored))
    return stored
