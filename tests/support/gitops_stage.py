"""A cluster that a tool for GitOps looks after: what a person with kubectl sees and does there."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.control_plane import ROOT, find_binary
from support.operator_process import end_process

ADDRESS_IN_SAMPLES = "https://git.example.org/sup-messenger.git"
POLL_SECONDS = 0.3


def play_nothing() -> None:
    """Leave the cluster to its own controllers."""


@dataclass(frozen=True)
class Stage:
    """A cluster; `play` does what its own controllers would do, where it has none."""

    kubeconfig: Path
    play: Callable[[], None] = play_nothing

    def kubectl(self, *words: str, given: str = "") -> str:
        """Run kubectl; return what it printed."""
        done = subprocess.run(
            [find_binary("kubectl"), "--kubeconfig", self.kubeconfig, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply_sample(self, sample: Path, *, url: str, changes: Mapping[str, str]) -> None:
        """Apply a sample with the address of another repository, and with these other texts."""
        text = sample.read_text()
        for old, new in {ADDRESS_IN_SAMPLES: url, **changes}.items():
            text = text.replace(old, new)
        self.kubectl("apply", "-f", "-", given=text)

    def read(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """Return an object, or an empty dict when there is none."""
        found = self.kubectl(
            "get", kind, name, "-n", namespace, "--ignore-not-found", "--output=json"
        )
        body: dict[str, Any] = json.loads(found or "{}")
        return body

    def wait(self, holds: Callable[[], Any], *, seconds: float, what: str) -> None:
        """Poll until the condition holds, while the cluster's controllers are played."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            self.play()
            time.sleep(POLL_SECONDS)

    def watch(self, holds: Callable[[], Any], *, seconds: float, what: str) -> None:
        """See that the condition goes on to hold for this long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert holds(), f"no longer so: {what}"
            self.play()
            time.sleep(POLL_SECONDS)


def find_condition(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a condition judged for the object's present generation, or an empty dict."""
    status = body.get("status") or {}
    for condition in status.get("conditions", []):
        judged = condition.get("observedGeneration", status.get("observedGeneration"))
        if condition["type"] == kind and judged == body["metadata"]["generation"]:
            return dict(condition)
    return {}


def is_ready(body: Mapping[str, Any]) -> bool:
    """Return whether an object is Ready for its present generation."""
    return find_condition(body, "Ready").get("status") == "True"


@contextmanager
def run_program(
    argv: Sequence[object], *, log: Path, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block; its own words go to the log."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            env=os.environ | dict(env),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
        assert process.poll() is None, f"{log.stem} ended by itself: {log.read_text()[-3000:]}"
    finally:
        end_process(process)
