"""What is only on its way is not told as broken: rollouts, restarts and checks older than pods."""

from datetime import timedelta
from typing import Any

import pytest
from support.facts import MESSENGER, NOW, make_facts, make_object, make_report

from supmessenger_operator.model.components import compute_components
from supmessenger_operator.model.observed import ObservedObject
from supmessenger_operator.model.outcome import Outcome, Waiting
from supmessenger_operator.model.status import Status
from supmessenger_operator.status import compute_status

INSTALLED = compute_status(make_facts())
DOWN = make_object("StatefulSet", "postgres", is_ready=False, ready=0, message="0 of 1 pods ready")


def look(status: Status, kind: str) -> tuple[str, str]:
    condition = status.find_condition(kind)
    assert condition is not None
    return condition.status, condition.reason


def judge(*others: ObservedObject, previous: Status, seconds: int, **changes: Any) -> Status:
    """Judge so many seconds later; `checked` seconds later the last check was made."""
    failing = changes.pop("failing", {})
    report = make_report(-changes.pop("checked", seconds), **failing)
    now = NOW + timedelta(seconds=seconds)
    return compute_status(make_facts(*others, previous=previous, now=now, report=report, **changes))


def test_a_failed_check_that_is_older_than_the_pods_does_not_count() -> None:
    failing = {"postgres": "[Errno -2] Name or service not known"}
    down = judge(DOWN, previous=Status(), seconds=0, failing=failing)
    up = judge(previous=down, seconds=10, checked=5, failing=failing)
    again = judge(previous=up, seconds=12, checked=5, failing=failing)
    checked = judge(previous=again, seconds=20, failing=failing)

    assert look(up, "PostgresReady") == look(again, "PostgresReady") == ("Unknown", "NotChecked")
    listed = next(item for item in up.components if item.name == "postgres")
    assert "Name or service not known" not in listed.message
    assert look(checked, "PostgresReady") == ("False", "CheckFailed")


def test_a_check_that_begins_to_fail_counts_at_once() -> None:
    status = judge(previous=INSTALLED, seconds=10, failing={"postgres": "no"})

    assert look(status, "PostgresReady") == ("False", "CheckFailed")
    assert look(status, "Degraded")[0] == "True"


def test_a_rollout_is_not_degraded_from_its_beginning_to_its_end() -> None:
    rolling = DOWN.model_copy(update={"is_rolling": True})
    api = make_object("Deployment", "api", is_ready=False, ready=0)
    failing = {"api": "503"}
    first = judge(rolling, previous=INSTALLED, seconds=10)
    second = judge(rolling, api, previous=first, seconds=40, failing=failing)
    third = judge(api, previous=second, seconds=50, failing=failing)
    last = judge(previous=third, seconds=60)

    assert look(first, "PostgresReady") == ("False", "RollingOut")
    for status in (first, second, third):
        assert look(status, "Ready")[0] == "False"
        assert look(status, "Degraded")[0] == "False"
        assert look(status, "Reconciling")[0] == "True"
    assert look(last, "Ready")[0] == "True"


def test_what_does_not_come_back_after_a_rollout_is_degraded_after_a_minute() -> None:
    rolling = DOWN.model_copy(update={"is_rolling": True})
    api = make_object("Deployment", "api", is_ready=False, ready=0)
    first = judge(rolling, api, previous=INSTALLED, seconds=10)
    soon = judge(api, previous=first, seconds=40)
    late = judge(api, previous=soon, seconds=75)

    assert look(soon, "Degraded")[0] == "False"
    assert look(late, "Degraded")[0] == "True"


def test_a_pod_lost_out_of_the_blue_is_degraded_until_it_is_back() -> None:
    lost = judge(DOWN, previous=INSTALLED, seconds=10)
    still = judge(DOWN, previous=lost, seconds=12)

    assert look(lost, "Degraded")[0] == look(still, "Degraded")[0] == "True"
    assert look(judge(previous=still, seconds=20), "Degraded")[0] == "False"


def test_an_installation_says_how_far_it_is_and_what_it_waits_for() -> None:
    waiting = Waiting("waiting for rabbitmq: 0 of 1 pods ready", reason="WaitingForRabbitmq")
    data = ("postgres", "redis-cache", "redis-state", "object-storage")
    missing = [part.name for part in compute_components(MESSENGER.spec) if part.name not in data]
    facts = make_facts(outcome=Outcome(waiting=waiting))
    observed = tuple(item for item in facts.observed if item.component not in missing)
    broker = make_object("StatefulSet", "rabbitmq", is_ready=False, ready=0)
    others = [item for item in observed if item.component != "rabbitmq"]
    status = compute_status(
        make_facts(outcome=Outcome(waiting=waiting), observed=(*others, broker))
    )

    parts = len(compute_components(MESSENGER.spec))
    expected = f"4 of {parts} parts are ready, waiting for rabbitmq: 0 of 1 pods ready"
    assert status.message == expected
    ready = status.find_condition("Ready")
    assert ready is not None
    assert ready.message == status.message


@pytest.mark.parametrize("kind", ["Ready", "Degraded"])
def test_many_failing_parts_make_one_short_message(kind: str) -> None:
    report = {"postgres": "password authentication failed", "api": "503", "media": "503"}
    condition = judge(previous=INSTALLED, seconds=9, failing=report).find_condition(kind)

    assert condition is not None
    assert condition.message == (
        "PostgresReady: the live check fails: password authentication failed;"
        " also not ready: ApiReady, MediaReady"
    )


def test_a_pass_that_could_not_ask_keeps_what_was_known_of_the_domain() -> None:
    edge = make_object("Service", "edge", addresses=("192.0.2.7",))
    asked = make_facts(edge)
    assert asked.inputs is not None
    inputs = asked.inputs.model_copy(update={"domain_addresses": ("192.0.2.7",)})
    known = compute_status(make_facts(edge, inputs=inputs))

    paused = make_facts(edge, inputs=None, outcome=Outcome(paused=True), previous=known)

    assert compute_status(paused).dns_records == known.dns_records
