"""When failed attempts are a finding about a provider, and when about a device."""

from __future__ import annotations

from datetime import timedelta

from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_worker.pushes.health import DEVICES, MEMORY, PushHealth
from supmessenger_worker.pushes.model import Outcome, Target

NOW = read_clock()
REFUSED = Outcome("refused", "FCM answers 403")
DELIVERED = Outcome("delivered")


def build_target() -> Target:
    return Target(create_id(), "fcm", b"sealed")


def test_one_device_that_is_never_woken_says_nothing_of_the_provider() -> None:
    health, target = PushHealth(), build_target()
    for _ in range(10 * DEVICES):
        health.note(target, REFUSED, now=NOW)
    assert health.find_fault(now=NOW) is None


def test_devices_of_which_none_is_woken_are_a_finding_until_one_is() -> None:
    health = PushHealth()
    for _ in range(DEVICES):
        assert health.find_fault(now=NOW) is None
        health.note(build_target(), REFUSED, now=NOW)
    assert "FCM answers 403" in str(health.find_fault(now=NOW))
    health.note(build_target(), DELIVERED, now=NOW)
    assert health.find_fault(now=NOW) is None


def test_what_failed_long_ago_says_nothing_about_now() -> None:
    health = PushHealth()
    for _ in range(DEVICES):
        health.note(build_target(), REFUSED, now=NOW)
    assert health.find_fault(now=NOW + MEMORY - timedelta(seconds=1)) is not None
    assert health.find_fault(now=NOW + MEMORY) is None
