"""What comings and goings make of a call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from supmessenger_common.calls.model import (
    RING_TIME,
    Call,
    Presence,
    Status,
    compute_answered,
    compute_answered_before,
    compute_status,
    compute_stay_id,
    is_ringing_too_long,
)

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
ALICE, BOB = UUID(int=1), UUID(int=2)
RINGING = Call(
    id=UUID(int=3),
    chat_id=UUID(int=4),
    kind="audio",
    status="ringing",
    room="r",
    initiator_id=ALICE,
    started_at=NOW,
    answered_at=None,
    ended_at=None,
)


def test_the_first_other_person_is_the_answer_in_whatever_order_they_are_told() -> None:
    call = RINGING
    for user, after in ((ALICE, 0), (BOB, 9), (BOB, 5), (BOB, 7)):
        joined_at = NOW + timedelta(seconds=after)
        answered_at = compute_answered(call, user_id=user, joined_at=joined_at)
        call = replace(call, answered_at=answered_at)
    assert call.answered_at == NOW + timedelta(seconds=5)


def test_oneself_is_no_answer() -> None:
    assert compute_answered(RINGING, user_id=ALICE, joined_at=NOW) is None


def test_who_comes_when_it_is_over_did_not_answer() -> None:
    call = replace(RINGING, answered_at=NOW + timedelta(seconds=5))
    assert compute_answered_before(call, NOW + timedelta(seconds=5)) is None
    assert compute_answered_before(call, NOW + timedelta(seconds=6)) == call.answered_at
    assert compute_answered_before(RINGING, NOW) is None


@pytest.mark.parametrize(
    ("status", "ended", "answered", "expected"),
    [
        ("ringing", False, False, "ringing"),
        ("ringing", False, True, "active"),
        ("active", False, True, "active"),
        ("active", True, True, "ended"),
        ("missed", True, True, "ended"),
        ("missed", True, False, "missed"),
        ("declined", True, False, "declined"),
        ("declined", True, True, "ended"),
        ("failed", True, True, "failed"),
    ],
)
def test_status(status: Status, ended: bool, answered: bool, expected: Status) -> None:
    call = replace(RINGING, status=status, ended_at=NOW if ended else None)
    assert compute_status(call, answered=answered) == expected


def test_ringing_ends() -> None:
    assert not is_ringing_too_long(RINGING, now=NOW + RING_TIME - timedelta(milliseconds=1))
    assert is_ringing_too_long(RINGING, now=NOW + RING_TIME)
    answered = replace(RINGING, status="active")
    assert not is_ringing_too_long(answered, now=NOW + RING_TIME)


def test_a_device_has_one_row_in_a_call() -> None:
    assert compute_stay_id(UUID(int=3), BOB) == compute_stay_id(UUID(int=3), BOB)
    assert compute_stay_id(UUID(int=3), BOB) != compute_stay_id(UUID(int=3), ALICE)
    assert compute_stay_id(UUID(int=3), BOB) != compute_stay_id(UUID(int=4), BOB)


def test_only_ids_of_devices_are_devices() -> None:
    assert Presence(str(BOB), NOW).device_id == BOB
    assert Presence("EG_recorder", NOW).device_id is None
