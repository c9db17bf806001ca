"""Which images there are, and what asking for some of them selects."""

import pytest

from supimages.catalogue import (
    BY_NAME,
    COMPONENTS,
    IMAGES,
    SERVICES,
    compute_ancestors,
    compute_selection,
)
from supimages.failure import Failure


def names(patterns: list[str]) -> list[str]:
    return [image.name for image in compute_selection(patterns)]


def test_every_parent_stands_before_its_children() -> None:
    order = [image.name for image in IMAGES]
    for image in IMAGES:
        for ancestor in compute_ancestors(image):
            assert order.index(ancestor.name) < order.index(image.name)


def test_every_component_of_the_charts_is_published() -> None:
    assert all(BY_NAME[name].published for name in ("operator", *COMPONENTS))


def test_asking_for_nothing_selects_everything() -> None:
    assert names([]) == [image.name for image in IMAGES]


def test_asking_for_a_service_selects_what_it_stands_on() -> None:
    assert names(["worker"]) == ["base", "python", "worker"]


def test_shell_patterns_select() -> None:
    assert names(["redi?", "rabbit??"]) == ["base", "redis", "rabbitmq"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Failure, match=r"'wroker'.*websocket"):
        names(["worker", "wroker"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_depends_on_its_own_code_and_the_shared_code_only(service: str) -> None:
    sources = [path for path in BY_NAME[service].inputs if path.endswith("/src")]
    assert sorted(sources) == sorted(["apps/common/src", f"apps/{service}/src"])
