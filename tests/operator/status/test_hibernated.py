"""Sleep as people and tools are told, by table."""

from typing import Any

import pytest
from support.facts import make_facts, make_object
from support.messengers import make_messenger

from supmessenger_operator.model.components import compute_components
from supmessenger_operator.model.facts import Facts
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.outcome import Outcome, Stalled, Waiting
from supmessenger_operator.model.status import Status
from supmessenger_operator.status import compute_status

HIBERNATE = {"supmessenger.io/hibernate": "true"}


def make_sleeper() -> Messenger:
    awake = make_messenger()
    metadata = awake.metadata.model_copy(update={"annotations": HIBERNATE})
    return awake.model_copy(update={"metadata": metadata})


def make_asleep(*awake: str, **changes: Any) -> Facts:
    """Return facts of an instance that sleeps, but for the parts that are named."""
    sleeper = make_sleeper()
    workloads = [
        make_object(part.workload, part.name, desired=count, ready=count)
        for part in compute_components(sleeper.spec)
        if part.workload
        for count in (int(part.name in awake),)
    ]
    values = {"messenger": sleeper, "report": None, "previous": compute_status(make_facts())}
    return make_facts(*workloads, **(values | changes))


def look(status: Status, kind: str) -> tuple[str, str]:
    condition = status.find_condition(kind)
    return (condition.status, condition.reason) if condition is not None else ("", "")


def test_asleep_it_is_neither_ready_nor_on_its_way() -> None:
    status = compute_status(make_asleep())

    assert status.phase == "Hibernated"
    assert look(status, "Hibernated") == ("True", "Asleep")
    assert look(status, "Ready") == ("", "")
    assert look(status, "Reconciling") == ("False", "Settled")
    assert look(status, "Stalled")[0] == look(status, "Degraded")[0] == "False"
    assert look(status, "PostgresReady") == ("Unknown", "Hibernated")
    assert look(status, "BackupHealthy") == ("Unknown", "Suspended")
    assert status.version == "0.1.0"
    assert "supmessenger.io/hibernate-" in status.message


@pytest.mark.parametrize(
    ("facts", "reason", "phase", "ready"),
    [
        (
            make_asleep("postgres", outcome=Outcome(waiting=Waiting("x", reason="FallingAsleep"))),
            "FallingAsleep",
            "Pending",
            "FallingAsleep",
        ),
        (make_asleep("postgres"), "FallingAsleep", "Pending", "FallingAsleep"),
        (
            make_asleep("postgres", outcome=Outcome(paused=True)),
            "Paused",
            None,
            "FallingAsleep",
        ),
        (
            make_asleep(outcome=Outcome(stalled=Stalled("no", field="spec.x"))),
            "Stalled",
            "Stalled",
            "Stalled",
        ),
    ],
)
def test_what_keeps_it_awake_is_told(
    facts: Facts, reason: str, phase: str | None, ready: str
) -> None:
    status = compute_status(facts)

    assert look(status, "Hibernated") == ("False", reason)
    assert look(status, "Ready") == ("False", ready)
    assert phase is None or status.phase == phase


def test_awake_there_is_no_such_condition() -> None:
    assert look(compute_status(make_facts()), "Hibernated") == ("", "")


def test_waking_is_told_until_every_part_is_ready() -> None:
    asleep = compute_status(make_asleep())
    sleepy = make_object("Deployment", "api", desired=0, ready=0)
    waking = compute_status(make_facts(sleepy, previous=asleep, pending=("api",)))

    assert look(waking, "Hibernated") == ("False", "Waking")
    assert look(waking, "ApiReady") == ("False", "NotStarted")
    assert look(waking, "Degraded")[0] == "False"
    assert look(waking, "Ready")[0] == "False"
    assert look(compute_status(make_facts(previous=waking)), "Hibernated") == ("", "")
