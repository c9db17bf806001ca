"""Bad fields of optional parts: the part is set aside, the core goes on.

The API server refuses nearly all of them; what is left was stored before it knew a rule, or needs
more than one field to be judged. An ACME server's settings are no part, but like one: without them
the edge goes on with the certificate it has.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from supmessenger_operator.model.spec import Spec

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of `spec` that one optional part reads, and what stands for it when it can't."""

    path: tuple[str, ...]
    part: str
    instead: Mapping[str, Any] | None = None
    # What a person has to know beside the cure.
    until_then: str = ""

    def covers(self, path: tuple[str | int, ...]) -> bool:
        """Whether a field lies in this block."""
        return path[: len(self.path)] == self.path


ACME = "acme"
_OFF: Mapping[str, Any] = {"enabled": False}
# The narrower one first.
BLOCKS = (
    Block(path=("livekit",), part="livekit", instead=_OFF),
    Block(path=("turn",), part="turn", instead=_OFF),
    Block(path=("kafka",), part="kafka"),
    Block(path=("push",), part="push"),
    Block(path=("media", "transcoding"), part="transcoding", instead=_OFF),
    Block(path=("monitoring", "prometheus"), part="prometheus"),
    Block(path=("monitoring", "grafana"), part="grafana"),
    Block(path=("monitoring", "logs"), part="loki"),
    Block(path=("monitoring", "alerts"), part="alerts"),
    Block(path=("monitoring", "tracing"), part="tracing"),
    Block(path=("monitoring",), part="monitoring"),
    # Still of an ACME server, but while there is a problem nothing is ordered.
    Block(
        path=("tls", "acme"),
        part=ACME,
        instead={},
        until_then="; no certificate is ordered until then",
    ),
)
# What a part that is set aside whole would take with it, although nothing is wrong there.
_FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "livekit": ("signalling", "calls", "turn"),
    "turn": ("calls",),
}


def find_block(path: tuple[str | int, ...]) -> Block | None:
    """Return the block of an optional part in which a field of `spec` lies."""
    return next((block for block in BLOCKS if block.covers(path)), None)


def set_aside(spec: Body, part: str) -> dict[str, Any]:
    """Return a spec with what stands for the part's block."""
    block = next(block for block in BLOCKS if block.part == part)
    changed = copy.deepcopy(dict(spec))
    holder = changed
    for name in block.path[:-1]:
        if name not in holder:
            return changed  # set aside with what holds it
        holder = holder[name]
    if block.instead is None:
        holder.pop(block.path[-1], None)
    else:
        holder[block.path[-1]] = dict(block.instead)
    return changed


def parse_spec(given: Body) -> tuple[Spec, dict[str, str]]:
    """Read a spec and return it with what of its optional parts can't be read, by part.

    What is wrong elsewhere is raised.
    """
    problems: dict[str, str] = {}
    for _ in BLOCKS:
        try:
            return Spec.model_validate(given), problems
        except ValidationError as error:
            found = _find_unreadable(error)
            for part in found:
                given = set_aside(given, part)
            problems |= found
    return Spec.model_validate(given), problems


def find_held(problems: Iterable[str], spec: Spec) -> frozenset[str]:
    """Return the components that stay as they are released while these parts have problems."""
    held = set(problems)
    is_on = {"livekit": spec.has_livekit, "turn": spec.has_turn}
    for part, followers in _FOLLOWERS.items():
        if part in held and not is_on[part]:
            held.update(followers)
    return frozenset(held)


def follow_whole(body: Body, *, is_asleep: bool, keeps_volumes: bool) -> Body:
    """Return a released object of a part that is set aside, with what is asked of all parts."""
    if body["kind"] not in ("StatefulSet", "Deployment"):
        return body
    # An optional part has one pod; the release of a sleeping one says none.
    spec = {**body["spec"], "replicas": 0 if is_asleep else body["spec"]["replicas"] or 1}
    policy = spec.get("persistentVolumeClaimRetentionPolicy")
    if policy is not None:
        when_deleted = "Retain" if keeps_volumes else "Delete"
        spec["persistentVolumeClaimRetentionPolicy"] = {**policy, "whenDeleted": when_deleted}
    return {**body, "spec": spec}


def _find_unreadable(error: ValidationError) -> dict[str, str]:
    """Return the parts of which something can't be read, each with the first thing that is wrong.

    What is wrong in the core is raised again.
    """
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_input=False):
        block = find_block(item["loc"])
        if block is None:
            raise error
        path = ".".join(("spec", *(str(part) for part in item["loc"])))
        told = f"{path}: {item['msg']}; correct it and apply again{block.until_then}"
        found.setdefault(block.part, told)
    return found
