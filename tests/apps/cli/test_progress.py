"""Waiting goes on while the cluster does not answer for a moment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from supmessenger_cli import progress
from supmessenger_cli.progress import TRIES, wait_for
from supmessenger_cli.scope import Scope
from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import VerbFailure

CONDITION = {"type": "Ready", "status": "True", "reason": "AllReady", "observedGeneration": 1}
READY = {
    "metadata": {"name": "demo", "namespace": "chat", "generation": 1},
    "spec": {},
    "status": {"phase": "Ready", "conditions": [CONDITION]},
}
# Fails so many times, then answers; each call leaves a line.
KUBECTL = """#!/bin/sh
echo call >> {folder}/calls
if [ $(wc -l < {folder}/calls) -le {failures} ]; then
  echo "Unable to connect to the server: attempt $(wc -l < {folder}/calls)" >&2
  exit 1
fi
cat {folder}/answer
"""
Make = Callable[..., Scope]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Put a kubectl first on the PATH that fails for a while."""

    def build(*, failures: int, answer: object = READY) -> Scope:
        (tmp_path / "answer").write_text(json.dumps(answer) if answer else "")
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL.format(folder=tmp_path, failures=failures))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setattr(progress, "POLL_SECONDS", 0.001)
        return Scope(kubectl=Kubectl(), namespace="chat", name="demo")

    return build


def count_calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


async def test_a_cluster_that_does_not_answer_for_a_moment_is_asked_again(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scope = make(failures=TRIES - 1)
    health = await wait_for(scope, lambda health: health.is_ready, goal="Ready", timeout=60)
    assert health.is_ready
    assert count_calls(tmp_path) == TRIES
    assert capsys.readouterr().out.count("no answer, trying again: Unable to connect") == TRIES - 1


async def test_tries_are_bounded_and_the_last_error_is_told(make: Make, tmp_path: Path) -> None:
    scope = make(failures=1000)
    with pytest.raises(VerbFailure, match=f"{TRIES} times in a row: .*attempt {TRIES}$") as caught:
        await wait_for(scope, lambda health: health.is_ready, goal="Ready", timeout=60)
    assert count_calls(tmp_path) == TRIES
    assert "kubectl sup status demo -n chat" in caught.value.cure


async def test_an_instance_that_is_not_there_is_told_at_once(make: Make, tmp_path: Path) -> None:
    scope = make(failures=0, answer=None)
    with pytest.raises(VerbFailure, match="there is no SupMessenger demo"):
        await wait_for(scope, lambda health: health.is_ready, goal="Ready", timeout=60)
    assert count_calls(tmp_path) == 1


async def test_a_failure_between_answers_does_not_count_on(make: Make, tmp_path: Path) -> None:
    scope = make(failures=2)
    asked = 0

    def is_done(_: object) -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:  # it fails once more, as often as is allowed
            (tmp_path / "kubectl").write_text(
                KUBECTL.format(folder=tmp_path, failures=2 + 1 + TRIES - 1)
            )
        return asked == 2

    await wait_for(scope, is_done, goal="Ready", timeout=60)
    assert count_calls(tmp_path) == 2 + 1 + TRIES
