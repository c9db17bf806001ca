"""What the counters of Prometheus say between two rounds."""

from __future__ import annotations

from collections import deque

import pytest

from supmessenger_worker.checks.model import CheckFailedError
from supmessenger_worker.checks.prometheus import (
    Counters,
    judge_counters,
    parse_counters,
    remember_round,
)

_WELL = {
    "prometheus_tsdb_wal_writes_failed_total": 0.0,
    "prometheus_config_last_reload_successful": 1.0,
    "prometheus_remote_storage_samples_failed_total": 3.0,
    "prometheus_remote_storage_samples_retried_total": 5.0,
    "prometheus_remote_storage_bytes_total": 100.0,
}


def test_series_of_a_counter_are_added_up_and_others_left_out() -> None:
    text = (
        "# TYPE prometheus_remote_storage_samples_failed_total counter\n"
        'prometheus_remote_storage_samples_failed_total{url="http://a"} 2\n'
        'prometheus_remote_storage_samples_failed_total{url="http://b"} 3\n'
        "prometheus_tsdb_wal_writes_failed_total 1e+01\n"
        "prometheus_build_info 1\n"
    )
    assert parse_counters(text) == {
        "prometheus_remote_storage_samples_failed_total": 5.0,
        "prometheus_tsdb_wal_writes_failed_total": 10.0,
    }


def test_what_failed_before_and_no_longer_is_well() -> None:
    judge_counters(_WELL, _WELL)
    tried_again = {"prometheus_remote_storage_samples_retried_total": 9.0}
    taken = {"prometheus_remote_storage_bytes_total": 200.0}
    judge_counters(_WELL, _WELL | tried_again | taken)


def test_a_restart_that_sets_counters_to_zero_is_no_failure() -> None:
    judge_counters(_WELL, {"prometheus_config_last_reload_successful": 1.0})


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"prometheus_tsdb_wal_writes_failed_total": 1.0}, "embedded.storage.size"),
        ({"prometheus_config_last_reload_successful": 0.0}, "refuses its configuration"),
        ({"prometheus_remote_storage_samples_failed_total": 4.0}, "credentialsSecretRef"),
        ({"prometheus_remote_storage_samples_retried_total": 6.0}, "external.url"),
    ],
)
def test_what_is_lost_is_told_with_the_cure(change: dict[str, float], cure: str) -> None:
    with pytest.raises(CheckFailedError, match=cure):
        judge_counters(_WELL, _WELL | change)


def test_a_round_is_compared_with_that_of_a_minute_before() -> None:
    rounds: deque[tuple[float, Counters]] = deque()
    stored = "prometheus_tsdb_head_samples_appended_total"
    compared = [
        remember_round(rounds, at=at, now={stored: at})
        for at in (0.0, 5.0, 59.0, 60.0, 65.0, 300.0)
    ]
    assert [one and one[stored] for one in compared] == [None, 0.0, 0.0, 0.0, 5.0, 65.0]
    assert len(rounds) == 2


def test_counters_that_begin_anew_are_compared_with_none_of_before() -> None:
    rounds: deque[tuple[float, Counters]] = deque()
    stored = "prometheus_tsdb_head_samples_appended_total"
    remember_round(rounds, at=0.0, now={stored: 900.0})
    assert remember_round(rounds, at=5.0, now={stored: 10.0}) is None
    assert remember_round(rounds, at=10.0, now={stored: 20.0}) == {stored: 10.0}
