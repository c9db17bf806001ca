"""What follows a failed attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from supmessenger_worker.retries import (
    GiveUp,
    PermanentJobError,
    Retry,
    RetryPolicy,
    TemporaryJobError,
    compute_next_step,
)

POLICY = RetryPolicy(delays=(timedelta(seconds=1), timedelta(seconds=10)))


@pytest.mark.parametrize("error", [TemporaryJobError("later"), RuntimeError("a bug")])
def test_attempts_are_spaced_by_the_policy_and_then_given_up(error: Exception) -> None:
    first = compute_next_step(error, attempt=1, policy=POLICY)
    second = compute_next_step(error, attempt=2, policy=POLICY)
    third = compute_next_step(error, attempt=3, policy=POLICY)
    assert first == Retry(timedelta(seconds=1), attempt=2)
    assert second == Retry(timedelta(seconds=10), attempt=3)
    assert isinstance(third, GiveUp)
    assert repr(error) in third.reason


def test_what_can_never_work_is_given_up_at_once() -> None:
    step = compute_next_step(PermanentJobError("no such address"), attempt=1, policy=POLICY)
    assert step == GiveUp("no such address")


def test_the_default_policy_outlasts_a_night_without_a_mail_server() -> None:
    delays = RetryPolicy().delays
    assert list(delays) == sorted(delays)
    assert delays[0] <= timedelta(seconds=5)
    assert sum(delays, timedelta()) >= timedelta(hours=8)
