"""Token buckets."""

from supmessenger_websocket.limits import Allowance


def test_a_burst_is_allowed_and_then_no_more() -> None:
    allowance = Allowance(burst=3, rate=1.0, now=0.0)
    assert [allowance.take(0.0) for _ in range(4)] == [True, True, True, False]


def test_time_gives_back_at_the_rate() -> None:
    allowance = Allowance(burst=2, rate=2.0, now=0.0)
    assert [allowance.take(0.0), allowance.take(0.0), allowance.take(0.4)] == [True, True, False]
    assert allowance.take(0.6)


def test_silence_gives_back_no_more_than_a_burst() -> None:
    allowance = Allowance(burst=2, rate=100.0, now=0.0)
    assert [allowance.take(60.0) for _ in range(3)] == [True, True, False]
