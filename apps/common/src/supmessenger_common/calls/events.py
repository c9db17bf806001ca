"""Builds the `call` event: the call as HTTP shows it."""

from typing import Any
from uuid import UUID

import orjson

from supmessenger_common.calls.model import Call
from supmessenger_common.identifiers import format_time


def build_call_fields(call: Call) -> dict[str, Any]:
    """Return a call as its members see it."""
    return {
        "id": str(call.id),
        "chatId": str(call.chat_id),
        "kind": call.kind,
        "status": call.status,
        "initiatorId": _text(call.initiator_id),
        "startedAt": format_time(call.started_at),
        "answeredAt": format_time(call.answered_at) if call.answered_at else None,
        "endedAt": format_time(call.ended_at) if call.ended_at else None,
        "participants": [
            {
                "userId": str(stay.user_id),
                "deviceId": _text(stay.device_id),
                "joinedAt": format_time(stay.joined_at),
                "leftAt": format_time(stay.left_at) if stay.left_at else None,
            }
            for stay in call.stays
        ],
    }


def build_call_event(call: Call) -> bytes:
    """Return the `call` event."""
    return orjson.dumps(
        {"type": "call", "chat": str(call.chat_id), "call": build_call_fields(call)}
    )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
