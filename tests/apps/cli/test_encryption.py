"""Two devices agree on a key through published bundles, and nothing else opens the message."""

import dataclasses

import pytest
from cryptography.exceptions import InvalidTag

from supmessenger_cli.encryption import (
    Bundle,
    CurveKey,
    DeviceKeys,
    EncryptionError,
    decrypt_first,
    encrypt_first,
    verify_signature,
)
from supmessenger_cli.wire import build_keys_body, decode_bytes, encode_bytes, parse_bundle


@pytest.fixture(scope="module")
def keys() -> DeviceKeys:
    return DeviceKeys.generate(one_time=1, kyber=1)


def make_bundle(keys: DeviceKeys, *, with_one_time: bool = True) -> Bundle:
    kyber = keys.kyber[0].public
    return Bundle(
        identity=keys.identity.public,
        signed_prekey=keys.signed_prekey.public,
        signed_prekey_signature=keys.identity.sign(keys.signed_prekey.public),
        kyber=kyber,
        kyber_signature=keys.identity.sign(kyber),
        one_time=keys.one_time[0].public if with_one_time else None,
    )


@pytest.mark.parametrize("with_one_time", [True, False])
def test_the_peer_decrypts_what_was_encrypted_for_its_bundle(
    keys: DeviceKeys, with_one_time: bool
) -> None:
    bundle = make_bundle(keys, with_one_time=with_one_time)
    message = encrypt_first(CurveKey.generate(), bundle=bundle, plaintext=b"hello")
    one_time = keys.one_time[0] if with_one_time else None
    opened = decrypt_first(keys, message=message, one_time=one_time, kyber=keys.kyber[0])
    assert opened == b"hello"
    assert b"hello" not in message


def test_another_device_cannot_decrypt(keys: DeviceKeys) -> None:
    message = encrypt_first(CurveKey.generate(), bundle=make_bundle(keys), plaintext=b"hello")
    other = dataclasses.replace(keys, identity=CurveKey.generate())
    with pytest.raises(InvalidTag):
        decrypt_first(other, message=message, one_time=keys.one_time[0], kyber=keys.kyber[0])


def test_a_bundle_signed_by_someone_else_is_refused(keys: DeviceKeys) -> None:
    forged = dataclasses.replace(
        make_bundle(keys), signed_prekey_signature=CurveKey.generate().sign(b"x")
    )
    with pytest.raises(EncryptionError, match="not signed"):
        encrypt_first(CurveKey.generate(), bundle=forged, plaintext=b"hello")


def test_serialized_keys_have_libsignals_type_bytes_and_lengths(keys: DeviceKeys) -> None:
    assert (len(keys.identity.public), keys.identity.public[0]) == (33, 5)
    assert (len(keys.kyber[0].public), keys.kyber[0].public[0]) == (1569, 8)


def test_the_published_body_carries_valid_signatures(keys: DeviceKeys) -> None:
    body = build_keys_body(keys)
    identity = decode_bytes(body["identityKey"])
    for signed in [body["signedPrekey"], body["lastResortKyberPrekey"], *body["kyberPrekeys"]]:
        assert verify_signature(
            identity,
            message=decode_bytes(signed["publicKey"]),
            signature=decode_bytes(signed["signature"]),
        )


def test_a_bundle_without_a_one_time_prekey_parses(keys: DeviceKeys) -> None:
    body = build_keys_body(keys)
    device = {
        "identityKey": body["identityKey"],
        "signedPrekey": body["signedPrekey"],
        "kyberPrekey": body["kyberPrekeys"][0],
        "oneTimePrekey": None,
    }
    parsed = parse_bundle(device)
    assert parsed.one_time is None
    assert parsed.identity == keys.identity.public


def test_bytes_travel_as_base64url_without_padding() -> None:
    assert encode_bytes(b"\xff\xfe\xfd\xfc") == "__79_A"
    assert decode_bytes("__79_A") == b"\xff\xfe\xfd\xfc"
