"""Progress is read from conditions of the present generation only."""

from typing import Any

import pytest

from supnode.failure import Failure
from supplatform.readiness import parse_progress, wait_until_ready


def make_resource(*conditions: dict[str, Any], generation: int = 2) -> dict[str, Any]:
    return {
        "metadata": {"generation": generation},
        "status": {"phase": "Installing", "conditions": list(conditions)},
    }


def make_condition(kind: str, status: str, *, generation: int = 2) -> dict[str, Any]:
    message = f"{kind} is {status}"
    return {"type": kind, "status": status, "observedGeneration": generation, "message": message}


def test_a_ready_condition_of_an_older_generation_does_not_count() -> None:
    assert not parse_progress(make_resource(make_condition("Ready", "True", generation=1))).ready
    assert parse_progress(make_resource(make_condition("Ready", "True"))).ready


def test_the_story_of_a_stalled_instance_is_why_it_stalled() -> None:
    progress = parse_progress(
        make_resource(make_condition("Ready", "False"), make_condition("Stalled", "True"))
    )
    assert progress.stalled
    assert progress.story == "Installing: Stalled is True"


def test_a_resource_without_status_is_pending() -> None:
    progress = parse_progress({"metadata": {"generation": 1}})
    assert (progress.ready, progress.stalled, progress.story) == (
        False,
        False,
        "Pending: the operator has not looked yet",
    )


def test_waiting_ends_when_ready_and_tells_each_sentence_once() -> None:
    answers = [
        make_resource(make_condition("Ready", "True")),
        make_resource(make_condition("Ready", "False")),
    ]
    told: list[str] = []
    wait_until_ready(answers.pop, say=told.append, deadline=5)
    assert [line.split("  ")[-1] for line in told] == [
        "Installing: Ready is False",
        "Installing: Ready is True",
    ]


def test_waiting_fails_at_once_when_a_person_must_act() -> None:
    stalled = make_resource(make_condition("Stalled", "True"))
    with pytest.raises(Failure, match="Stalled is True"):
        wait_until_ready(lambda: stalled, say=lambda _: None, deadline=60)
