"""Firebase Cloud Messaging: HTTP v1, with an access token of the service account."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec

from supmessenger_common.identifiers import read_clock
from supmessenger_common.push.bindings import FcmBinding
from supmessenger_worker.pushes.answers import judge_status, open_client
from supmessenger_worker.pushes.model import TIME_TO_LIVE, Note, Outcome

_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFE: Final = timedelta(minutes=30)
# An access token that is about to end could do so on its way.
_SPARE: Final = timedelta(minutes=2)


class FcmConfigurationError(Exception):
    """The service account can not be used; the message names the field and the cure."""


class FcmUnavailableError(Exception):
    """No access token is to be had now; the message says why."""


class ServiceAccount(msgspec.Struct, frozen=True):
    """What is needed of a service account's JSON."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105  (an address)


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: int = 3600


def parse_service_account(text: str, *, endpoint: str) -> ServiceAccount:
    """Read the JSON of a service account; raises FcmConfigurationError, never with the key."""
    where = "service-account.json of spec.push.fcm.serviceAccountSecretRef"
    try:
        account = msgspec.json.decode(text.encode(), type=ServiceAccount)
    except msgspec.MsgspecError as error:
        raise FcmConfigurationError(
            f"{where} is no service account ({error}): download its JSON key from Firebase anew"
        ) from None
    plain = endpoint.startswith("http://")
    if urlsplit(account.token_uri).scheme != "https" and not plain:
        raise FcmConfigurationError(f"{where}: token_uri must be an https URL")
    try:
        _build_assertion(account, now=read_clock())
    except (jwt.PyJWTError, ValueError, TypeError):
        raise FcmConfigurationError(
            f"{where}: private_key is no RSA key: download the JSON key from Firebase anew"
        ) from None
    return account


class FcmSender:
    """Wakes Android devices."""

    def __init__(self, account: ServiceAccount, *, endpoint: str) -> None:
        """Use this account at this address, normally https://fcm.googleapis.com."""
        self._account = account
        self._url = f"{endpoint}/v1/projects/{account.project_id}/messages:send"
        self._client = open_client()
        self._lock = asyncio.Lock()
        self._token = ""
        self._valid_until: datetime | None = None

    @classmethod
    def create(cls, binding: FcmBinding) -> "FcmSender":
        """Read the binding; raises FcmConfigurationError."""
        account = parse_service_account(binding.service_account, endpoint=binding.endpoint)
        return cls(account, endpoint=binding.endpoint)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, token: str, note: Note) -> Outcome:
        """Hand a note over."""
        now = read_clock()
        try:
            bearer = await self.fetch_access_token(now=now)
            response = await self._client.post(
                self._url,
                headers={"Authorization": f"Bearer {bearer}"},
                json=build_message(token, note),
            )
        except (FcmUnavailableError, httpx.HTTPError) as error:
            return Outcome("later", f"FCM: {error or type(error).__name__}")
        outcome = judge_status(response, now=now)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._valid_until = None
            return Outcome("later", "FCM does not take our access token any more")
        return Outcome(outcome.result, f"FCM {outcome.reason}".strip(), outcome.retry_after)

    async def fetch_access_token(self, *, now: datetime) -> str:
        """Return a valid access token; raises FcmUnavailableError or httpx.HTTPError."""
        async with self._lock:
            if self._valid_until is None or now >= self._valid_until:
                grant = await self._ask_grant(now=now)
                self._token = grant.access_token
                self._valid_until = now + timedelta(seconds=grant.expires_in) - _SPARE
            return self._token

    async def _ask_grant(self, *, now: datetime) -> _Grant:
        form = {"grant_type": _GRANT, "assertion": _build_assertion(self._account, now=now)}
        response = await self._client.post(self._account.token_uri, data=form)
        if response.status_code != httpx.codes.OK:
            # Google's errors are short words such as invalid_grant.
            said = " ".join(response.text[:200].split())
            raise FcmUnavailableError(
                f"the service account is not accepted: {response.status_code} {said}"
            )
        try:
            return msgspec.json.decode(response.content, type=_Grant)
        except msgspec.MsgspecError:
            raise FcmUnavailableError("the token endpoint answers no access token") from None


def build_message(token: str, note: Note) -> dict[str, object]:
    """Return the body of `messages:send`: the provider reads it, so it says nothing."""
    return {
        "message": {
            "token": token,
            "data": {"type": "message"},
            "android": {
                "priority": "high",
                "ttl": f"{int(TIME_TO_LIVE.total_seconds())}s",
                "collapse_key": note.topic,
            },
        }
    }


def _build_assertion(account: ServiceAccount, *, now: datetime) -> str:
    return jwt.encode(
        {
            "iss": account.client_email,
            "scope": _SCOPE,
            "aud": account.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
        },
        account.private_key,
        algorithm="RS256",
    )
