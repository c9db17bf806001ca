"""A second node for what must not be tried on the one that others use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
SECOND = "suptest"

RunNode = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_node() -> RunNode:
    """Runs a verb of hack/node on the second node; a failure shows what it printed."""

    def run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, str(CHECKOUT / "hack/node"), *words, "--name", SECOND]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr
        return done

    return run


@pytest.fixture
def second_node(run_node: RunNode) -> Iterator[str]:
    """The name of a node of which nothing stands before and after the test."""
    run_node("clean")
    yield SECOND
    run_node("clean")
