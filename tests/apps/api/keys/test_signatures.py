"""XEdDSA signatures over libsignal's serialization of keys."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.signal_keys import Identity, build_curve_key, build_kyber_key

from supmessenger_api.keys.signatures import (
    find_curve_key_fault,
    find_kyber_key_fault,
    is_signed_by,
)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    "message", [build_curve_key(), build_kyber_key(), b""], ids=["curve", "kyber", "empty"]
)
def test_a_signature_of_either_sign_is_accepted(*, negative: bool, message: bytes) -> None:
    identity = Identity.create()
    assert is_signed_by(identity.public, identity.sign(message, negative=negative), message)


@settings(max_examples=30, deadline=None)
@given(position=st.integers(0, 63), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_signature_is_noticed(position: int, bit: int) -> None:
    identity, key = Identity.create(), build_curve_key()
    signature = bytearray(identity.sign(key))
    signature[position] ^= 1 << bit
    assert not is_signed_by(identity.public, bytes(signature), key)


def test_a_signature_of_another_identity_or_key_is_refused() -> None:
    identity, key = Identity.create(), build_curve_key()
    signature = identity.sign(key)
    assert not is_signed_by(Identity.create().public, signature, key)
    assert not is_signed_by(identity.public, signature, build_curve_key())
    assert not is_signed_by(identity.public, identity.sign(key[1:]), key)


def test_a_malformed_signature_or_identity_is_refused() -> None:
    identity, key = Identity.create(), build_curve_key()
    signature = identity.sign(key)
    for wrong in (b"", signature[:-1], signature + b"\x00", bytes(64)):
        assert not is_signed_by(identity.public, wrong, key)
    for wrong in (b"", identity.public[1:], b"\x06" + identity.public[1:], b"\x05" + bytes(32)):
        assert not is_signed_by(wrong, signature, key)


@given(st.binary(max_size=40))
def test_only_serialized_curve_keys_are_taken(key: bytes) -> None:
    good = len(key) == 33 and key[0] == 5 and any(key[1:])
    assert (find_curve_key_fault(key) is None) == good


def test_only_serialized_kyber_keys_are_taken() -> None:
    assert find_kyber_key_fault(build_kyber_key()) is None
    assert find_kyber_key_fault(b"\x05" + secrets.token_bytes(1568)) == "must begin with 0x08"
    assert find_kyber_key_fault(build_kyber_key()[:-1]) == "must have 1569 bytes, not 1568"
