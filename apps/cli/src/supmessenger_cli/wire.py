"""Small encodings of the API: base64url without padding and JSON bodies of keys."""

import base64
from typing import Any

from supmessenger_cli.encryption import Bundle, DeviceKeys


def encode_bytes(value: bytes) -> str:
    """Encode bytes as base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decode_bytes(value: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def build_keys_body(keys: DeviceKeys) -> dict[str, Any]:
    """Build the body of `PUT /v1/keys`; prekey ids are positions in their pools, from 1."""
    identity = keys.identity
    return {
        "identityKey": encode_bytes(identity.public),
        "signedPrekey": _signed(1, keys.signed_prekey.public, identity.sign),
        "lastResortKyberPrekey": _signed(1000, keys.last_resort.public, identity.sign),
        "oneTimePrekeys": [
            {"id": number, "publicKey": encode_bytes(key.public)}
            for number, key in enumerate(keys.one_time, start=1)
        ],
        "kyberPrekeys": [
            _signed(number, key.public, identity.sign)
            for number, key in enumerate(keys.kyber, start=1)
        ],
    }


def parse_bundle(device: dict[str, Any]) -> Bundle:
    """Parse one device of `POST /v1/users/{id}/prekey-bundles`."""
    one_time = device.get("oneTimePrekey")
    return Bundle(
        identity=decode_bytes(device["identityKey"]),
        signed_prekey=decode_bytes(device["signedPrekey"]["publicKey"]),
        signed_prekey_signature=decode_bytes(device["signedPrekey"]["signature"]),
        kyber=decode_bytes(device["kyberPrekey"]["publicKey"]),
        kyber_signature=decode_bytes(device["kyberPrekey"]["signature"]),
        one_time=decode_bytes(one_time["publicKey"]) if one_time else None,
    )


def _signed(number: int, public: bytes, sign: Any) -> dict[str, Any]:
    return {
        "id": number,
        "publicKey": encode_bytes(public),
        "signature": encode_bytes(sign(public)),
    }
