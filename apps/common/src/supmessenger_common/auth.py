"""Access tokens: short-lived proof of user, session and device."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from supmessenger_common.errors import PlatformError

ACCESS_LIFETIME = timedelta(minutes=15)
# Clocks of two pods may differ a little.
CLOCK_SKEW = timedelta(seconds=5)
_ALGORITHM = "HS256"
_CLAIMS = ["iss", "sub", "sid", "did", "gen", "iat", "exp", "typ"]


@dataclass(frozen=True)
class Principal:
    """Who calls: `generation` counts the refreshes of the session this token came from."""

    user_id: UUID
    session_id: UUID
    device_id: UUID
    generation: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True)
class AccessTokens:
    """Issues and verifies the tokens of one instance."""

    secret: bytes
    issuer: str

    def issue(self, principal: Principal, *, now: datetime) -> str:
        """Return a token that is valid for 15 minutes from `now`."""
        return jwt.encode(
            {
                "iss": self.issuer,
                "sub": str(principal.user_id),
                "sid": str(principal.session_id),
                "did": str(principal.device_id),
                "gen": principal.generation,
                "iat": int(now.timestamp()),
                "exp": int((now + ACCESS_LIFETIME).timestamp()),
                "typ": "access",
            },
            self.secret,
            algorithm=_ALGORITHM,
        )

    def verify(self, token: str, *, now: datetime) -> Principal:
        """Return who holds the token; raises 401 `token_invalid` or `token_expired`."""
        claims = self._decode(token)
        try:
            expires_at = datetime.fromtimestamp(claims["exp"], tz=now.tzinfo)
            principal = Principal(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                device_id=UUID(claims["did"]),
                generation=int(claims["gen"]),
                expires_at=expires_at,
            )
        except (TypeError, ValueError, AttributeError, OverflowError, OSError):
            raise build_token_error("token_invalid") from None
        if claims["typ"] != "access":
            raise build_token_error("token_invalid")
        if expires_at + CLOCK_SKEW < now:
            raise build_token_error("token_expired")
        return principal

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            # Times are judged by the caller's clock above, not by the library's.
            claims: dict[str, Any] = jwt.decode(
                token,
                self.secret,
                algorithms=[_ALGORITHM],
                issuer=self.issuer,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            raise build_token_error("token_invalid") from None
        return claims


def build_token_error(code: str) -> PlatformError:
    """Return 401 with the header that says how to authenticate."""
    details = {
        "unauthenticated": "Send an access token in the Authorization header.",
        "token_invalid": "The access token is not one of ours.",
        "token_expired": "The access token has expired; refresh the session.",
        "session_revoked": "The session was ended; log in again.",
    }
    return PlatformError(
        401, code, details[code], headers={"WWW-Authenticate": f'Bearer error="{code}"'}
    )


def parse_bearer(header: str | None) -> str:
    """Return the token of an Authorization header; raises 401 `unauthenticated`."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise build_token_error("unauthenticated")
    return token.strip()
