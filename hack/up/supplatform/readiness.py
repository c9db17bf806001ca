"""Waiting until an instance is Ready, told in the resource's own words."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supnode.failure import Failure

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Progress:
    """What the status says now."""

    ready: bool
    stalled: bool
    story: str


def parse_progress(resource: dict[str, Any]) -> Progress:
    """Read Ready, Stalled and the sentence a person sees from a SupMessenger.

    A condition counts only when it was judged for the present generation.
    """
    generation = resource["metadata"]["generation"]
    status = resource.get("status") or {}
    conditions = {
        condition["type"]: condition
        for condition in status.get("conditions", [])
        if condition.get("observedGeneration") == generation
    }
    ready = conditions.get("Ready", {})
    stalled = conditions.get("Stalled", {})
    is_stalled = stalled.get("status") == "True"
    story = (stalled if is_stalled else ready).get("message") or "the operator has not looked yet"
    phase = " ".join([status.get("phase", "Pending"), status.get("componentsReady", "")]).strip()
    return Progress(
        ready=ready.get("status") == "True",
        stalled=is_stalled,
        story=f"{phase}: {story}",
    )


def shorten(story: str) -> str:
    """Return the first of the sentences that a status strings together with semicolons."""
    first, more, _ = story.partition("; ")
    return f"{first} …" if more else first


def wait_until_ready(
    read: Callable[[], dict[str, Any]], *, say: Callable[[str], None], deadline: float
) -> None:
    """Wait until the resource is Ready; Failure when it stalls or time (seconds) runs out."""
    began = time.monotonic()
    told = ""
    while True:
        progress = parse_progress(read())
        if progress.story != told:
            told = progress.story
            say(f"     {time.monotonic() - began:5.0f} s  {shorten(told)}")
        if progress.ready:
            return
        cure = "kubectl describe sup shows each condition and what to do"
        if progress.stalled:
            raise Failure(f"the instance stalled: {progress.story}", cure=cure)
        if time.monotonic() - began > deadline:
            raise Failure(f"not Ready after {deadline:.0f} s: {progress.story}", cure=cure)
        time.sleep(POLL_SECONDS)
