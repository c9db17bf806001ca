"""Password rules and hashing."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_api.passwords import MAX_LENGTH, MIN_LENGTH, PasswordVault, find_password_fault

ALICE = {"username": "alice", "email": "alice.liddell@example.org"}


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "at least 10"),
        ("a" * 300, "at most 256"),
        ("aaaaaaaaaaaa", "attacker tries"),
        ("Password123", "attacker tries"),
        ("my-ALICE-password", "username or the email"),
        ("alice.liddell 1865", "username or the email"),
    ],
)
def test_a_bad_password_is_told_why(password: str, fault: str) -> None:
    found = find_password_fault(password, **ALICE)
    assert found is not None
    assert fault in found


@pytest.mark.parametrize(
    "password", ["seven wet otters", "пароль из слов", "正確的馬電池釘書針好密碼"]
)
def test_a_long_password_of_any_script_is_good(password: str) -> None:
    assert find_password_fault(password, **ALICE) is None


def test_a_short_username_does_not_forbid_its_letters() -> None:
    assert find_password_fault("seven bob otters", username="bob", email="b@x.org") is None


@given(st.text(max_size=MAX_LENGTH + 20))
def test_no_accepted_password_breaks_the_length_rules(password: str) -> None:
    if find_password_fault(password, **ALICE) is None:
        assert MIN_LENGTH <= len(password) <= MAX_LENGTH


async def test_a_hash_verifies_its_password_only() -> None:
    vault = PasswordVault(threads=1)
    stored = await vault.hash("seven wet otters")
    assert stored.startswith("$argon2id$")
    assert await vault.verify(stored, "seven wet otters")
    assert not await vault.verify(stored, "seven wet Otters")
    assert not await vault.verify(None, "no account has this password")
    assert not await vault.verify("not a hash", "seven wet otters")
    assert not vault.needs_rehash(stored)
    vault.close()


def test_a_hash_with_other_parameters_is_renewed() -> None:
    vault = PasswordVault(threads=1)
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x")
    assert vault.needs_rehash(weak)
    vault.close()
