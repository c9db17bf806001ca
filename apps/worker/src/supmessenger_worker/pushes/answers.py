"""Reads what providers answer beside their own words."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from supmessenger_worker.pushes.model import Outcome

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30.0)
_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429})


def open_client() -> httpx.AsyncClient:
    """Return a client that follows no redirect, so that only allowed hosts are called."""
    return httpx.AsyncClient(
        timeout=TIMEOUT, limits=_LIMITS, follow_redirects=False, trust_env=False
    )


def parse_retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """Return how long to wait: seconds or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return timedelta(seconds=min(int(header.strip()[:9]), 86400))
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(timedelta(), min(moment - now, timedelta(days=1)))


def judge_status(response: httpx.Response, *, now: datetime) -> Outcome:
    """Return what a status means, the same for every provider."""
    status = response.status_code
    if 200 <= status < 300:
        return Outcome("delivered")
    if status in _GONE:
        return Outcome("gone", f"answers {status}")
    if status in _LATER or status >= 500:
        after = parse_retry_after(response.headers.get("retry-after"), now=now)
        return Outcome("later", f"answers {status}", after)
    return Outcome("refused", f"answers {status}")
