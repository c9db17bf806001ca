"""`make up` on a kind cluster, for real, in a Docker engine of the test's own: nothing stays.

The node image is put together here, so this says nothing of kind's own image; its network stand-in
knows no NetworkPolicies.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support.control_plane import ROOT

from supnode.builds import BuildCache
from supnode.lab.engine import NAME, Engine
from supnode.lab.node_image import NodeImage
from supnode.leftovers import compute_difference, gather_snapshot
from supnode.paths import compute_cache_root
from supplatform.delivery import CORE_IMAGES

pytestmark = [pytest.mark.kind, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Person:
    """Somebody whose machine has a Docker engine: runs the project's own programs."""

    engine: Engine
    image: str

    def run(self, *words: str) -> str:
        """Run a program; return what it printed."""
        env = self.engine.environment() | {"SUP_KIND_IMAGE": self.image}
        # The engine alone shall decide that kind is used.
        env.pop("SUP_PROVIDER", None)
        command = [*self.engine.enter(), *words]
        done = subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    def up(self, verb: str) -> str:
        """Run a verb of hack/up."""
        return self.run(sys.executable, str(ROOT / "hack/up"), verb)

    def node(self, verb: str) -> str:
        """Run a verb of hack/node."""
        return self.run(sys.executable, str(ROOT / "hack/node"), verb)

    def kubectl(self, *words: str) -> str:
        """Run kubectl against the kind cluster."""
        path = self.node("kubeconfig").strip().splitlines()[-1]
        program = BuildCache(compute_cache_root(os.environ)).path("kubectl")
        return self.run(str(program), "--kubeconfig", path, *words)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A Docker engine in namespaces of its own; ended with everything in it."""
    started = Engine(compute_cache_root(os.environ))
    started.down()
    yield started
    started.down()


def prepare(engine: Engine) -> Person:
    """Start the engine and give it the node image."""
    engine.up()
    cache = BuildCache(compute_cache_root(os.environ))
    image = NodeImage(cache, engine, engine.root / "logs" / "node-image.log").ensure()
    return Person(engine, image)


def test_a_cluster_is_made_stopped_started_and_deleted_and_nothing_stays(engine: Engine) -> None:
    before = gather_snapshot(name=NAME, root=engine.root)
    person = prepare(engine)
    assert "provider: kind (Docker engine 20.10" in person.node("up")
    assert "sup-control-plane" in person.node("status")
    person.kubectl("create", "configmap", "kept")

    person.node("down")
    assert "Exited" in person.node("status")
    person.node("up")
    assert "kept" in person.kubectl("get", "configmaps")
    rolled = ("rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=180s")
    assert "successfully rolled out" in person.kubectl(*rolled)

    during = gather_snapshot(name=NAME, root=engine.root)
    assert compute_difference(before, during), "the comparison sees nothing"
    person.node("clean")
    assert "does not exist" in person.node("status")
    engine.down()
    assert compute_difference(before, gather_snapshot(name=NAME, root=engine.root)) == []
    assert not engine.root.exists()


def test_the_platform_comes_up_and_holds_a_conversation(engine: Engine) -> None:
    # The engine's namespaces have no way out, so what must be fetched is fetched before.
    build = [sys.executable, str(ROOT / "hack/images"), "build", "--no-push", *CORE_IMAGES]
    subprocess.run(build, check=True)
    person = prepare(engine)

    # Cluster, images, operator, the minimal sample Ready, the smoke conversation.
    told = person.up("up")
    assert "provider: kind" in told
    assert "smoke: chat.example.org at 127.0.0.1:" in told
    pods = json.loads(person.kubectl("get", "pods", "-n", "chat", "-o", "json"))["items"]
    used = {part["image"] for pod in pods for part in pod["spec"]["containers"]}
    assert used
    assert all(reference.startswith("localhost/sup/") for reference in used), used
    person.node("clean")
