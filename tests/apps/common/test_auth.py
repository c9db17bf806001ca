"""Access tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from supmessenger_common.auth import (
    ACCESS_LIFETIME,
    CLOCK_SKEW,
    AccessTokens,
    Principal,
    parse_bearer,
)
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import create_id

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SECRET = b"s" * 64
TOKENS = AccessTokens(secret=SECRET, issuer="chat.example.org")
ALICE = Principal(user_id=create_id(), session_id=create_id(), device_id=create_id(), generation=7)


def build_token(*, key: bytes = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {
        "iss": "chat.example.org",
        "sub": str(ALICE.user_id),
        "sid": str(ALICE.session_id),
        "did": str(ALICE.device_id),
        "gen": 7,
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + ACCESS_LIFETIME).timestamp()),
        "typ": "access",
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


def refuse(token: str, *, now: datetime = NOW) -> str:
    with pytest.raises(PlatformError) as refusal:
        TOKENS.verify(token, now=now)
    assert refusal.value.status == 401
    assert refusal.value.headers["WWW-Authenticate"].startswith("Bearer ")
    return refusal.value.code


def test_a_token_tells_who_it_was_issued_to() -> None:
    token = TOKENS.issue(ALICE, now=NOW)
    assert TOKENS.verify(token, now=NOW) == replace(ALICE, expires_at=NOW + ACCESS_LIFETIME)


def test_a_token_carries_the_claims_of_the_contract() -> None:
    assert TOKENS.issue(ALICE, now=NOW) == build_token()


def test_a_token_expires_after_fifteen_minutes_and_a_little() -> None:
    token = TOKENS.issue(ALICE, now=NOW)
    edge = NOW + ACCESS_LIFETIME + CLOCK_SKEW
    assert TOKENS.verify(token, now=edge).user_id == ALICE.user_id
    assert refuse(token, now=edge + timedelta(milliseconds=1)) == "token_expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": b"x" * 64},
        {"algorithm": "HS512"},
        {"iss": "other.example.org"},
        {"typ": "refresh"},
        {"sub": "alice"},
        {"gen": "many"},
        {"exp": "soon"},
        {"exp": 10**20},
        *({name: None} for name in ("iss", "sub", "sid", "did", "gen", "iat", "exp", "typ")),
    ],
)
def test_a_token_that_is_not_ours_is_refused(changes: dict[str, Any]) -> None:
    assert refuse(build_token(**changes)) == "token_invalid"


def test_an_unsigned_token_is_refused() -> None:
    header, claims, _ = build_token().split(".")
    assert refuse(f"{header}.{claims}.") == "token_invalid"
    assert refuse("eyJhbGciOiJub25lIn0." + claims + ".") == "token_invalid"


def test_the_header_must_name_a_bearer_token() -> None:
    assert parse_bearer("Bearer abc") == parse_bearer("bearer  abc ") == "abc"
    for header in (None, "", "abc", "Basic abc", "Bearer", "Bearer "):
        with pytest.raises(PlatformError, match="Send an access token"):
            parse_bearer(header)
