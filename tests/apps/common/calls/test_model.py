"""What stays make of a call."""

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
    Stay,
    compute_answered,
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


def stay(user: UUID, *, after: int) -> Stay:
    return Stay(user, UUID(int=9), NOW + timedelta(seconds=after), None)


def test_the_first_other_person_is_the_answer() -> None:
    call = replace(RINGING, stays=(stay(ALICE, after=0), stay(BOB, after=9), stay(BOB, after=5)))
    assert compute_answered(call) == NOW + timedelta(seconds=5)
    assert compute_answered(replace(call, stays=(stay(ALICE, after=0),))) is None


def test_who_comes_when_it_is_over_did_not_answer() -> None:
    call = replace(RINGING, ended_at=NOW + timedelta(seconds=5), stays=(stay(BOB, after=5),))
    assert compute_answered(call) is None


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


def test_a_connection_has_one_stay_in_a_call() -> None:
    assert compute_stay_id(UUID(int=3), "PA_a") == compute_stay_id(UUID(int=3), "PA_a")
    assert compute_stay_id(UUID(int=3), "PA_a") != compute_stay_id(UUID(int=3), "PA_b")
    assert compute_stay_id(UUID(int=3), "PA_a") != compute_stay_id(UUID(int=4), "PA_a")


def test_only_ids_of_devices_are_devices() -> None:
    assert Presence("PA_a", str(BOB), NOW).device_id == BOB
    assert Presence("PA_a", "EG_recorder", NOW).device_id is None
