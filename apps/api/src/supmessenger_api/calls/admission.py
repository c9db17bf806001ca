"""What lets one device into one room: a short-lived token, and credentials for the relay."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from livekit.api import AccessToken, VideoGrants

from supmessenger_api.calls.schemas import Admission, IceServer
from supmessenger_common.bindings import LivekitBinding, TurnBinding
from supmessenger_common.calls.model import Call

# Needed at the door only: who is in the room gets fresh ones from the media server.
TOKEN_LIFETIME = timedelta(minutes=2)
# The relay looks at it when media is to go over it, not afterwards: when the call begins, and after
# a change of networks. What stands by then stays; a device whose call lasts longer joins again.
TURN_LIFETIME = timedelta(hours=1)
SOURCES = {
    "audio": ["microphone"],
    "video": ["microphone", "camera", "screen_share", "screen_share_audio"],
}


@dataclass(frozen=True)
class Doorman:
    """Makes admissions with the keys of the instance."""

    livekit: LivekitBinding
    turn: TurnBinding | None
    turn_uris: Sequence[str]

    def admit(self, call: Call, device_id: UUID, *, now: datetime) -> Admission:
        """Return what a device needs to join a call."""
        return Admission(
            url=self.livekit.public_url,
            token=self._build_token(call, device_id),
            expires_in=int(TOKEN_LIFETIME.total_seconds()),
            ice_servers=self._build_ice_servers(device_id, now=now),
        )

    def _build_token(self, call: Call, device_id: UUID) -> str:
        grants = VideoGrants(
            room_join=True,
            room=call.room,
            can_subscribe=True,
            can_publish=True,
            can_publish_sources=list(SOURCES[call.kind]),
            # Words go the way of messages, which is encrypted end to end.
            can_publish_data=False,
        )
        token = AccessToken(self.livekit.api_key, self.livekit.api_secret)
        return (
            token.with_identity(str(device_id))
            .with_ttl(TOKEN_LIFETIME)
            .with_grants(grants)
            .to_jwt()
        )

    def _build_ice_servers(self, device_id: UUID, *, now: datetime) -> list[IceServer]:
        if self.turn is None or not self.turn_uris:
            return []
        username, credential = build_turn_credentials(
            self.turn.shared_secret, device_id, expires_at=now + TURN_LIFETIME
        )
        urls = list(self.turn_uris)
        return [IceServer(urls=urls, username=username, credential=credential)]


def build_turn_credentials(
    shared_secret: str, device_id: UUID, *, expires_at: datetime
) -> tuple[str, str]:
    """Return user name and password that a relay with this secret takes until they expire.

    The TURN REST scheme: base64 of HMAC-SHA1 over `<unix time of expiry>:<who>`.
    """
    username = f"{int(expires_at.timestamp())}:{device_id}"
    digest = hmac.new(shared_secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()
