"""What a test of a GitOps tool has on the stage: a played cluster, a repository, an instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.control_plane import ROOT
from support.git_server import GitRepository, serve_git
from support.gitops_cluster import CHAT, PlayedCluster, find_definitions, start_played_cluster
from support.gitops_stage import Stage, is_ready

# What a copy of this repository must hold for the samples.
PARTS = ("charts", "manifests/gitops")


@dataclass(frozen=True)
class Place:
    """The namespace of one instance."""

    stage: Stage
    namespace: str

    def messenger(self) -> dict[str, Any]:
        """Return the instance; an empty dict when there is none."""
        return self.stage.read("supmessenger", "demo", self.namespace)

    def is_messenger_ready(self) -> bool:
        """Return whether the instance is Ready for its present generation."""
        body = self.messenger()
        return bool(body) and is_ready(body)

    def confirm(self, told: bool) -> bool:
        """Return whether a tool calls the instance well.

        Asked before the instance: what it calls so must have been Ready before.
        """
        assert not told or self.is_messenger_ready(), "it calls well what is not Ready"
        return told

    def annotate(self, *annotations: str) -> None:
        """Annotate the instance by hand."""
        self.stage.kubectl("annotate", "supmessenger", "demo", "-n", self.namespace, *annotations)

    def edit_by_hand(self, patch: str) -> None:
        """Merge a patch into the instance by hand."""
        edit = ("patch", "supmessenger", "demo", "-n", self.namespace, "--type=merge")
        self.stage.kubectl(*edit, "--patch", patch)

    def has_no_pods(self) -> bool:
        """Return whether none of the instance's pods is left."""
        return not self.stage.kubectl("get", "pods", "-n", self.namespace, "--output=name")


@dataclass(frozen=True)
class Scene:
    """A played cluster, the repository that a tool reads, and the instance that it makes."""

    cluster: PlayedCluster
    repository: GitRepository

    @property
    def stage(self) -> Stage:
        """The cluster as a person sees it."""
        return self.cluster.stage

    @property
    def place(self) -> Place:
        """The instance of the samples."""
        return Place(self.stage, CHAT)


@contextmanager
def open_scene(folder: Path, *, namespace: str) -> Iterator[Scene]:
    """Start a played cluster with a tool's namespace, and serve the repository."""
    with (
        start_played_cluster(
            folder / "plane", definitions=find_definitions(), namespace=namespace
        ) as cluster,
        serve_samples(folder / "git") as repository,
    ):
        yield Scene(cluster, repository)


@contextmanager
def serve_samples(folder: Path) -> Iterator[GitRepository]:
    """Serve a repository with what the samples need of this one."""
    with serve_git(folder, source=ROOT, parts=PARTS) as repository:
        yield repository
