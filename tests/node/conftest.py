"""Fixtures of the node tier: the sample instance that `make up` brought up."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.instance import Instance, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
# Each wait of a test has a deadline and says what it waited for; this one is for what hangs.
TIMEOUT_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this tier minutes, unless they name their own time."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and not item.get_closest_marker(
            "timeout"
        ):
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


def ask_node(verb: str) -> str:
    command = [sys.executable, str(CHECKOUT / "hack/node"), verb]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session", autouse=True)
def node_environment() -> None:
    """kubectl and helm of the node, for this process and its children."""
    os.environ["KUBECONFIG"] = ask_node("kubeconfig")
    os.environ["PATH"] = f"{ask_node('bin-dir')}:{os.environ['PATH']}"


@pytest.fixture
async def demo() -> AsyncIterator[Instance]:
    """The sample instance, Ready and serving before the test and Ready again after it."""
    instance = Instance("demo")
    await instance.wait_until_ready()
    # The edge learns the address of a Service that was made again within seconds, not at once.
    await wait_until(instance.is_serving, timeout=30, what="the API through the edge")
    yield instance
    await instance.wait_until_ready()
