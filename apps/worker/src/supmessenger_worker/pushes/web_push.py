"""Web Push (RFC 8030): encrypted for the browser (RFC 8291), signed by the instance (RFC 8292)."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]  # it ships no types
import httpx
import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from supmessenger_common.identifiers import decode_bytes, encode_bytes, read_clock
from supmessenger_common.push.bindings import WebPushBinding
from supmessenger_common.push.hosts import HostRule, find_endpoint_fault
from supmessenger_worker.pushes.answers import judge_status, open_client
from supmessenger_worker.pushes.model import TIME_TO_LIVE, Note, Outcome

# Push services take a signature of at most 24 hours; each origin has its own.
_SIGNATURE_LIFE: Final = timedelta(hours=12)
_SIGNATURE_USE: Final = timedelta(hours=6)
_ORIGINS: Final = 64


class WebPushConfigurationError(Exception):
    """The key pair can not be used; the message names the Secret's key and the cure."""


class _Subscription(msgspec.Struct, frozen=True):
    endpoint: str
    p256dh: str
    auth: str


class WebPushSender:
    """Wakes browsers."""

    def __init__(self, binding: WebPushBinding, *, hosts: tuple[HostRule, ...]) -> None:
        """Sign with this key pair and call these hosts; raises WebPushConfigurationError."""
        self._key = parse_private_key(binding)
        self._public_key = binding.public_key
        self._subject = binding.subject
        self._hosts = hosts
        self._client = open_client()
        self._signatures: dict[str, tuple[str, datetime]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, token: str, note: Note) -> Outcome:
        """Hand a note over."""
        now = read_clock()
        try:
            subscription = msgspec.json.decode(token, type=_Subscription)
            body = encrypt(subscription, build_content(note))
        except (msgspec.MsgspecError, http_ece.ECEException, ValueError) as error:
            return Outcome("gone", f"the subscription is broken: {type(error).__name__}")
        # The list may have become shorter since the browser registered.
        if find_endpoint_fault(subscription.endpoint, self._hosts) is not None:
            return Outcome("gone", "the push service is not on the allow-list")
        host = urlsplit(subscription.endpoint).hostname
        try:
            response = await self._client.post(
                subscription.endpoint,
                content=body,
                headers=self._build_headers(subscription.endpoint, note, now=now),
            )
        except httpx.HTTPError as error:
            return Outcome("later", f"{host}: {str(error) or type(error).__name__}")
        except (httpx.InvalidURL, UnicodeError):
            # Below an allowed host, and yet no name of a host: a browser never made this.
            return Outcome("gone", "the push service's address is no address")
        outcome = judge_status(response, now=now)
        return Outcome(outcome.result, f"{host} {outcome.reason}".strip(), outcome.retry_after)

    def _build_headers(self, endpoint: str, note: Note, *, now: datetime) -> dict[str, str]:
        signature = self._sign(endpoint, now=now)
        return {
            "Authorization": f"vapid t={signature}, k={self._public_key}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(TIME_TO_LIVE.total_seconds())),
            "Topic": note.topic,
            "Urgency": "high",
        }

    def _sign(self, endpoint: str, *, now: datetime) -> str:
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        signature, until = self._signatures.get(origin, ("", now))
        if now >= until:
            claims = {
                "aud": origin,
                "exp": int((now + _SIGNATURE_LIFE).timestamp()),
                "sub": self._subject,
            }
            signature = jwt.encode(claims, self._key, algorithm="ES256")
            if len(self._signatures) >= _ORIGINS:
                self._signatures.clear()
            self._signatures[origin] = (signature, now + _SIGNATURE_USE)
        return signature


def parse_private_key(binding: WebPushBinding) -> ec.EllipticCurvePrivateKey:
    """Read the private key and check that the public one is its own."""
    cure = "delete the Secret so that a new pair is made; browsers then subscribe anew"
    try:
        key = load_pem_private_key(binding.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WebPushConfigurationError(f"private-key of web-push is no PEM key: {cure}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise WebPushConfigurationError(f"private-key of web-push is no P-256 key: {cure}")
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if encode_bytes(point) != binding.public_key:
        raise WebPushConfigurationError(f"public-key of web-push is another key's: {cure}")
    return key


def build_content(note: Note) -> bytes:
    """Return what only the browser reads: which chat to look at."""
    return msgspec.json.encode({"type": "message", "chat": str(note.chat_id)})


def encrypt(subscription: _Subscription, content: bytes) -> bytes:
    """Return the content encrypted for one browser, with a key used once."""
    body: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decode_bytes(subscription.p256dh),
        auth_secret=decode_bytes(subscription.auth),
        version="aes128gcm",
    )
    return body
