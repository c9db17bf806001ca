"""Requests and answers of push."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from supmessenger_api.wire import WireBytes, WireModel
from supmessenger_common.push.hosts import ENDPOINT_LIMIT

# An uncompressed point of P-256 and the secret of RFC 8291, section 3.2.
_POINT_BYTES = 65
_SECRET_BYTES = 16
_TOKEN = r"^[A-Za-z0-9_:.\-]+$"  # noqa: S105  (the alphabet of tokens, not a token)


def check_point(value: bytes) -> bytes:
    """Raise ValueError unless this is an uncompressed point of P-256."""
    if len(value) != _POINT_BYTES or value[0] != 0x04:
        raise ValueError(f"must be an uncompressed P-256 point of {_POINT_BYTES} bytes")
    return value


def check_secret(value: bytes) -> bytes:
    """Raise ValueError unless this has the length of an authentication secret."""
    if len(value) != _SECRET_BYTES:
        raise ValueError(f"must have {_SECRET_BYTES} bytes")
    return value


class SubscriptionKeys(WireModel):
    """Keys of a browser's subscription."""

    p256dh: Annotated[WireBytes, AfterValidator(check_point)]
    auth: Annotated[WireBytes, AfterValidator(check_secret)]


class Subscription(WireModel):
    """What a browser's `PushSubscription.toJSON()` holds that matters here."""

    endpoint: Annotated[str, Field(min_length=1, max_length=ENDPOINT_LIMIT)]
    keys: SubscriptionKeys
    # Browsers send it along; what has expired is told by the push service.
    expiration_time: float | None = None


class FcmTarget(WireModel):
    """An Android device."""

    provider: Literal["fcm"]
    token: Annotated[str, Field(min_length=1, max_length=4096, pattern=_TOKEN)]


class WebPushTarget(WireModel):
    """A browser."""

    provider: Literal["web_push"]
    subscription: Subscription


PushTarget = Annotated[FcmTarget | WebPushTarget, Field(discriminator="provider")]


class WebPushKey(WireModel):
    """The application server key a browser subscribes with."""

    public_key: str
