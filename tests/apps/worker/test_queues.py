"""Names of queues, and pauses after failures."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from supmessenger_worker.queues import compute_delay_queue
from supmessenger_worker.relay import compute_pause


def test_each_family_and_delay_has_a_queue_of_its_own() -> None:
    assert compute_delay_queue("email", timedelta(minutes=2)) == "sup.jobs.email.retry.120s"
    assert compute_delay_queue("media", timedelta(seconds=5)) == "sup.jobs.media.retry.5s"


@given(failures=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_a_pause_is_bounded_and_never_nothing(failures: int, jitter: float) -> None:
    assert 0.25 <= compute_pause(failures, jitter=jitter) <= 30


def test_pauses_grow() -> None:
    pauses = [compute_pause(failures, jitter=1) for failures in range(1, 8)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
