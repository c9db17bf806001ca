"""Events of the media server, signed as it does or as somebody else would."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from support.api_service import Api
from support.call_service import WEBHOOK_PATH


@dataclass(frozen=True)
class Teller:
    """Signs events as the media server does, or as somebody else would."""

    key: str
    secret: str

    def sign(self, body: bytes, **changes: Any) -> str:
        """Return the token of a body."""
        now = datetime.now(UTC)
        claims = {
            "iss": self.key,
            "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
            **changes,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")

    async def tell(self, api: Api, body: bytes) -> httpx.Response:
        """Deliver an event in order."""
        return await deliver(api, body, self.sign(body))


async def deliver(api: Api, body: bytes, token: str) -> httpx.Response:
    """Deliver an event with a token."""
    headers = {"Authorization": token, "Content-Type": "application/webhook+json"}
    return await api.client.post(WEBHOOK_PATH, content=body, headers=headers)


def build_event(event: str, room: str, *, at: datetime, **fields: Any) -> bytes:
    """Return an event as the media server writes it."""
    told = {
        "event": event,
        "id": f"EV_{uuid4().hex}",
        "createdAt": str(int(at.timestamp())),
        "room": {"sid": "RM_x", "name": room},
        **fields,
    }
    return json.dumps(told).encode()


def build_participant(device_id: UUID | str, *, joined_at: datetime, sid: str) -> dict[str, Any]:
    """Return who takes part as the media server writes it."""
    milliseconds = int(joined_at.timestamp() * 1000)
    return {
        "sid": sid,
        "identity": str(device_id),
        "joinedAt": str(milliseconds // 1000),
        "joinedAtMs": str(milliseconds),
    }
