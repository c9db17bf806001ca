"""A cluster made by kind in the Docker engine that answers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from supnode import debian
from supnode.builds import BuildCache
from supnode.cluster import is_condition_true
from supnode.commands import probe_succeeds, run_captured, run_logged
from supnode.failure import Failure
from supnode.paths import NODE_FOLDER, compute_cache_root
from supnode.steps import Steps
from supnode.waiting import wait_until

CONFIG = NODE_FOLDER / "kind" / "cluster.yaml"
# The node image; kind's own default where nothing is said.
IMAGE_VARIABLE = "SUP_KIND_IMAGE"
BUILDERS = ("buildah", "mmdebstrap")
READY_SECONDS = 180


class KindCluster:
    """One kind cluster, its kubeconfig in the cache and not among the user's own."""

    def __init__(self, name: str, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._env = os.environ if env is None else env
        self._cache = BuildCache(compute_cache_root(self._env))
        self._folder = self._cache.root / "kind" / name

    def up(self, steps: Steps) -> None:
        """Create the cluster, or start it again."""
        self._check_builders(steps)
        with steps.step("kind and kubectl"):
            self._cache.ensure(["kubectl"] if shutil.which("kind") else ["kind", "kubectl"])
        if self.name not in self._gather_clusters():
            with steps.step("create the kind cluster"):
                self._create()
        else:
            with steps.step("start the kind cluster"):
                run_captured(["docker", "start", *self._gather_nodes()])
                self._kind("export", "kubeconfig", "--kubeconfig", str(self.kubeconfig_path))
        with steps.step("kind cluster: node Ready"):
            # Of a cluster that was stopped, the API server still tells what was true before.
            started = self._gather_started()
            wait_until(
                lambda: self._is_ready(since=started),
                what="the cluster",
                seconds=READY_SECONDS,
                log=self._folder / "kind.log",
            )

    def down(self, steps: Steps) -> None:
        """Stop the cluster's containers; they and their data stay."""
        if self.name in self._gather_clusters():
            with steps.step("stop the kind cluster"):
                run_captured(["docker", "stop", *self._gather_nodes()])

    def clean(self, steps: Steps) -> None:
        """Delete the cluster with its data."""
        if self.name in self._gather_clusters():
            with steps.step("delete the kind cluster"):
                self._kind("delete", "cluster", "--kubeconfig", str(self.kubeconfig_path))
        shutil.rmtree(self._folder, ignore_errors=True)

    def status(self) -> str:
        """Return what Docker says of the cluster's containers."""
        if self.name not in self._gather_clusters():
            return f"kind cluster '{self.name}' does not exist"
        shown = "table {{.Names}}\t{{.Status}}\t{{.Image}}"
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        return run_captured(["docker", "ps", "--all", "--filter", label, "--format", shown]).strip()

    def kubeconfig(self) -> Path:
        """Return the kubeconfig's path; a Failure unless the API server answers."""
        if self.kubeconfig_path.exists() and self._kubectl_succeeds("get", "--raw", "/readyz"):
            return self.kubeconfig_path
        raise Failure(f"no kind cluster '{self.name}' is up", cure="SUP_PROVIDER=kind make up")

    def load(self, archives: Sequence[Path]) -> None:
        """Bring image archives into the cluster's nodes."""
        self._kind("load", "image-archive", *map(str, archives))

    @property
    def kubeconfig_path(self) -> Path:
        """Return where the kubeconfig is once the cluster is up."""
        return self._folder / "kubeconfig"

    def _create(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        image = self._env.get(IMAGE_VARIABLE, "")
        words = ["--config", str(CONFIG), "--kubeconfig", str(self.kubeconfig_path)]
        self._kind("create", "cluster", *words, *(["--image", image] if image else []))

    def _kind(self, *words: str) -> None:
        own = self._cache.path("kind")
        program = str(own) if own.exists() else "kind"
        run_logged(
            [program, *words, "--name", self.name],
            log=self._folder / "kind.log",
            cure="read the log; SUP_PROVIDER=kind make clean starts afresh",
        )

    def _gather_clusters(self) -> set[str]:
        shown = '{{.Label "io.x-k8s.kind.cluster"}}'
        words = ["docker", "ps", "--all", "--filter", "label=io.x-k8s.kind.cluster"]
        cure = "start Docker, or SUP_PROVIDER=native make up"
        return set(run_captured([*words, "--format", shown], cure=cure).split())

    def _gather_nodes(self) -> list[str]:
        label = f"label=io.x-k8s.kind.cluster={self.name}"
        return run_captured(["docker", "ps", "--all", "--quiet", "--filter", label]).split()

    def _gather_started(self) -> str:
        """Return since when the first of the cluster's containers runs, in whole seconds."""
        shown = ("--format", "{{.State.StartedAt}}")
        times = run_captured(["docker", "inspect", *shown, *self._gather_nodes()]).split()
        return min(times).partition(".")[0] + "Z"

    def _is_ready(self, *, since: str) -> bool:
        """Return whether every node is ready, by a heartbeat no older than `since`."""
        # It answers before it is ready, and then closes its door once more.
        if not self._kubectl_succeeds("get", "--raw", "/readyz"):
            return False
        words = ["--kubeconfig", str(self.kubeconfig_path), "get", "nodes", "--output", "json"]
        try:
            answer = run_captured([str(self._cache.path("kubectl")), *words])
        except Failure:
            return False  # the API server is still on its way
        nodes = json.loads(answer)["items"]
        return bool(nodes) and all(is_condition_true(node, "Ready", since=since) for node in nodes)

    def _kubectl_succeeds(self, *words: str) -> bool:
        kubectl = str(self._cache.path("kubectl"))
        return probe_succeeds([kubectl, "--kubeconfig", str(self.kubeconfig_path), *words])

    def _check_builders(self, steps: Steps) -> None:
        """Make sure of the programs that build the platform's images."""
        missing = [name for name in BUILDERS if not debian.find_program(name)]
        if not missing:
            return
        cure = debian.CURE + " ".join(missing)
        if os.geteuid() != 0 or not debian.find_program("apt-get"):
            raise Failure(f"{' and '.join(missing)}: not installed; images need them", cure=cure)
        with steps.step(f"install {' and '.join(missing)}"):
            debian.install(missing, log=self._cache.root / "logs" / "packages.log")
