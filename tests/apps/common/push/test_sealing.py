"""Push tokens at rest."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from supmessenger_common.push.sealing import TokenSeal, UnsealError

DEVICE, OTHER = UUID(int=1), UUID(int=2)
SEAL = TokenSeal(b"k" * 32)


def test_a_token_is_read_back_and_never_stands_in_what_is_stored() -> None:
    first, second = (SEAL.seal("token-of-ada", device_id=DEVICE) for _ in range(2))
    assert SEAL.open(first, device_id=DEVICE) == "token-of-ada"
    assert b"token" not in first
    assert first != second


@pytest.mark.parametrize("damage", [lambda s: s[:-1], lambda s: b"\x02" + s[1:], lambda s: b"\x01"])
def test_what_was_changed_is_not_opened(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UnsealError):
        SEAL.open(damage(SEAL.seal("x", device_id=DEVICE)), device_id=DEVICE)


def test_another_key_or_another_device_does_not_open_it() -> None:
    sealed = SEAL.seal("x", device_id=DEVICE)
    with pytest.raises(UnsealError):
        SEAL.open(sealed, device_id=OTHER)
    with pytest.raises(UnsealError):
        TokenSeal(b"q" * 32).open(sealed, device_id=DEVICE)


def test_equal_tokens_have_equal_hashes_under_one_key_only() -> None:
    assert SEAL.compute_hash("fcm", "a") == SEAL.compute_hash("fcm", "a")
    assert len(SEAL.compute_hash("fcm", "a")) == 32
    assert SEAL.compute_hash("fcm", "a") != SEAL.compute_hash("web_push", "a")
    assert SEAL.compute_hash("fcm", "a") != TokenSeal(b"q" * 32).compute_hash("fcm", "a")


def test_a_topic_tells_neither_the_chat_nor_who_shares_it() -> None:
    chat = UUID(int=7)
    mine, theirs = (SEAL.compute_topic(chat, device_id=device) for device in (DEVICE, OTHER))
    assert mine == SEAL.compute_topic(chat, device_id=DEVICE)
    assert mine != theirs
    assert SEAL.compute_topic(UUID(int=8), device_id=DEVICE) != mine
