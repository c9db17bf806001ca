"""What is built, what is only pushed, and in which order."""

import pytest

from supimages.catalogue import BY_NAME, IMAGES, Image, compute_selection
from supimages.plan import (
    Action,
    Facts,
    compute_action,
    compute_actions,
    compute_keys,
    find_ready,
)

NOWHERE = Facts(in_storage=False, in_registry=False)
HERE = Facts(in_storage=True, in_registry=False)
THERE = Facts(in_storage=False, in_registry=True)
EVERYWHERE = Facts(in_storage=True, in_registry=True)


@pytest.mark.parametrize(
    ("facts", "pushing", "building"),
    [
        (NOWHERE, Action.BUILD, Action.BUILD),
        (HERE, Action.PUSH, Action.NOTHING),
        (THERE, Action.NOTHING, Action.BUILD),
        (EVERYWHERE, Action.NOTHING, Action.NOTHING),
    ],
)
def test_an_image_is_touched_only_when_it_is_missing(
    facts: Facts, pushing: Action, building: Action
) -> None:
    assert compute_action(BY_NAME["redis"], facts, push=True) is pushing
    assert compute_action(BY_NAME["redis"], facts, push=False) is building


def test_bases_that_nothing_needs_are_not_built() -> None:
    images = compute_selection([])
    facts = {image.name: THERE if image.published else NOWHERE for image in images}
    assert set(compute_actions(images, facts, push=True).values()) == {Action.NOTHING}


def test_an_emptied_registry_is_filled_without_building() -> None:
    images = compute_selection([])
    actions = compute_actions(images, {image.name: HERE for image in images}, push=True)
    assert {name for name, action in actions.items() if action is Action.NOTHING} == {
        "base",
        "python",
    }
    assert Action.BUILD not in actions.values()


def test_a_missing_service_brings_its_bases_back() -> None:
    images = compute_selection(["api", "redis"])
    facts = {"base": NOWHERE, "python": NOWHERE, "api": NOWHERE, "redis": EVERYWHERE}
    actions = compute_actions(images, facts, push=True)
    assert actions == {
        "base": Action.BUILD,
        "python": Action.BUILD,
        "api": Action.BUILD,
        "redis": Action.NOTHING,
    }


def test_a_change_below_changes_every_key_above() -> None:
    def compute(salt: str) -> dict[str, str]:
        def compute_one(image: Image, parent_key: str | None) -> str:
            return f"{salt if image.name == 'python' else ''}{image.name}<{parent_key}"

        return compute_keys(IMAGES, compute_one)

    before, after = compute(""), compute("new ")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "python",
        "api",
        "websocket",
        "media",
        "worker",
        "operator",
        "smtp-sink",
        "push-sink",
    }


def test_an_image_is_ready_once_its_parent_is_finished() -> None:
    images = compute_selection(["redis", "api"])

    def ready(finished: set[str], started: set[str]) -> list[str]:
        return [i.name for i in find_ready(images, frozenset(finished), frozenset(started))]

    assert ready(set(), set()) == ["base"]
    assert ready(set(), {"base"}) == []
    assert ready({"base"}, {"base"}) == ["python", "redis"]
    assert ready({"base", "python"}, {"base", "python", "redis"}) == ["api"]


def test_a_parent_that_needs_nothing_is_not_waited_for() -> None:
    assert find_ready((BY_NAME["api"],), frozenset(), frozenset()) == (BY_NAME["api"],)
