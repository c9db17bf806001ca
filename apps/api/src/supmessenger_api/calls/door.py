"""Who passes the edge to a room: asked for each connection, whatever token it brings."""

from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

from livekit.api import TokenVerifier

from supmessenger_common.bindings import LivekitBinding
from supmessenger_common.calls.store import fetch_closed_rooms
from supmessenger_common.calls.welcome import fetch_unwelcome
from supmessenger_common.database import Executor
from supmessenger_common.errors import PlatformError
from supmessenger_common.log import get_logger

_log = get_logger("calls.door")
_BEARER = "Bearer "
_TOKEN_FIELD = "access_token"  # noqa: S105 - the name of a field


@dataclass(frozen=True)
class Door:
    """Lets devices into rooms by what is so now, not when their token was made.

    The media server takes back no token and gives everybody who enters a new one.
    """

    executor: Executor
    binding: LivekitBinding

    async def check(self, uri: str, authorization: str | None) -> None:
        """Let a request to the media server pass.

        Raises 401 `room_token_refused` without exactly one token that is good, and 403
        `not_in_call` for a device that may not be in the room's call (any more), or if it is over.
        """
        token = find_token(uri, authorization or "")
        try:
            claims = TokenVerifier(self.binding.api_key, self.binding.api_secret).verify(token)
            device_id = UUID(claims.identity)
        # The library raises many kinds; whatever it is, the token opens nothing.
        except Exception as error:
            _log.info("room token refused", why=type(error).__name__)
            raise build_refused() from None
        room = claims.video.room if claims.video is not None else ""
        over = await fetch_closed_rooms(self.executor, [room])
        if over or await fetch_unwelcome(self.executor, room, [device_id]):
            _log.info("kept out of a call", room=room, device=str(device_id))
            raise PlatformError(403, "not_in_call", "This device may not be in the call.")


def find_token(uri: str, authorization: str) -> str:
    """Return the token that the media server will go by; empty when there is none, or a choice.

    It prefers the header. Of fields of one name it takes the first it can read, which is not always
    the first: more than one is nothing that an honest client sends.
    """
    if authorization:
        return authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else ""
    _, _, query = uri.partition("?")
    found = [value for name, value in parse_qsl(query) if name == _TOKEN_FIELD]
    return found[0] if len(found) == 1 else ""


def build_refused() -> PlatformError:
    """Return 401 for a request without a token that is good."""
    return PlatformError(401, "room_token_refused", "The room token is not good (any more).")
