"""Which images need what, decided before anything is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from supimages.catalogue import Image


class Action(Enum):
    """What must be done for one image."""

    NOTHING = "up to date"
    PUSH = "push"
    BUILD = "build"


@dataclass(frozen=True)
class Facts:
    """What is known of one image's very content."""

    in_storage: bool
    in_registry: bool


def compute_action(image: Image, facts: Facts, *, push: bool) -> Action:
    """Build what is nowhere, push what is only here, leave alone what is where it belongs."""
    if push and image.published:
        if facts.in_registry:
            return Action.NOTHING
        return Action.PUSH if facts.in_storage else Action.BUILD
    return Action.NOTHING if facts.in_storage else Action.BUILD


def compute_actions(
    images: Sequence[Image], facts: Mapping[str, Facts], *, push: bool
) -> dict[str, Action]:
    """The action of each image; a parent that nothing is built on any more needs none."""
    actions = {image.name: compute_action(image, facts[image.name], push=push) for image in images}
    for image in reversed(images):
        needed = any(
            child.parent == image.name and actions[child.name] is Action.BUILD for child in images
        )
        if not image.published and not needed:
            actions[image.name] = Action.NOTHING
    return actions


def compute_keys(
    images: Sequence[Image], compute: Callable[[Image, str | None], str]
) -> dict[str, str]:
    """The content key of each image, parents first, so that a change below changes all above."""
    keys: dict[str, str] = {}
    for image in images:
        keys[image.name] = compute(image, keys[image.parent] if image.parent else None)
    return keys


def find_ready(
    images: Sequence[Image], finished: frozenset[str], started: frozenset[str]
) -> tuple[Image, ...]:
    """The images not started whose parent, when it is among them, is finished."""
    names = {image.name for image in images}
    return tuple(
        image
        for image in images
        if image.name not in started
        and (image.parent is None or image.parent not in names or image.parent in finished)
    )
