"""What a check found, with the cure when something is to be done."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """How a thing is; `unknown` when it could not be looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """One line of a report: the question, the answer, what was seen, what to do."""

    check: str
    state: State
    seen: str
    cure: str = ""


def ok(check: str, seen: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(check, State.OK, seen)


def warn(check: str, seen: str, cure: str) -> Finding:
    """A thing that could be better."""
    return Finding(check, State.WARN, seen, cure)


def fail(check: str, seen: str, cure: str) -> Finding:
    """A thing that must be changed."""
    return Finding(check, State.FAIL, seen, cure)


def unknown(check: str, seen: str, cure: str) -> Finding:
    """A thing that could not be looked at; the cure makes it possible."""
    return Finding(check, State.UNKNOWN, seen, cure)


def compute_worst(findings: Sequence[Finding]) -> State:
    """Return the worst state: what can't be seen is better than what is bad."""
    order = (State.FAIL, State.WARN, State.UNKNOWN)
    return next((state for state in order if any(one.state is state for one in findings)), State.OK)


def build_document(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings for scripts."""
    return [
        {"check": one.check, "state": one.state.value, "seen": one.seen, "cure": one.cure}
        for one in findings
    ]
