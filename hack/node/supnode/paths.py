"""Where a node keeps its state and where builds are cached: never inside a checkout."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NODE_FOLDER = Path(__file__).resolve().parent.parent
MODULES = NODE_FOLDER / "modules"
MANIFESTS = NODE_FOLDER / "manifests"


def compute_cache_root(env: Mapping[str, str]) -> Path:
    """Return the folder of the build cache."""
    if env.get("SUP_CACHE"):
        return Path(env["SUP_CACHE"])
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "/root")) / ".cache")
    return Path(base) / "sup-messenger"


def compute_state_root(env: Mapping[str, str]) -> Path:
    """Return the folder that holds one folder per node."""
    return Path(env.get("SUP_STATE") or "/var/lib/sup-node")


@dataclass(frozen=True)
class NodePaths:
    """The folders and files of one node."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        """Return the file with which a person administers the node."""
        return self.root / "kubeconfig"

    @property
    def registry_file(self) -> Path:
        """Return the file whose one line is the registry's address."""
        return self.root / "registry"

    @property
    def node_json(self) -> Path:
        """Return the file that describes the node's addresses."""
        return self.root / "node.json"

    @property
    def steps_json(self) -> Path:
        """Return the table of the last run."""
        return self.root / "steps.json"

    @property
    def pki(self) -> Path:
        """Return the folder of keys and certificates."""
        return self.root / "pki"

    @property
    def etcd(self) -> Path:
        """Return etcd's data (kept by `down`)."""
        return self.root / "etcd"

    @property
    def volumes(self) -> Path:
        """Return the data of persistent volumes (kept by `down`)."""
        return self.root / "pv"

    @property
    def registry_data(self) -> Path:
        """Return the registry's blobs (kept by `down`)."""
        return self.root / "registry-data"

    @property
    def images(self) -> Path:
        """Return containerd's content and snapshots (kept by `down`)."""
        return self.root / "containerd"

    @property
    def kubelet(self) -> Path:
        """Return what the node sees as /var/lib/kubelet."""
        return self.root / "kubelet"

    @property
    def config(self) -> Path:
        """Return the folder of generated configuration files."""
        return self.root / "config"

    @property
    def logs(self) -> Path:
        """Return the folder of the processes' logs."""
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        """Return the folder of process records."""
        return self.root / "pids"

    @property
    def run(self) -> Path:
        """Return what the node sees as /run/containerd; emptied by `down`."""
        return self.root / "run"

    @property
    def pod_logs(self) -> Path:
        """Return what the node sees as /var/log/pods."""
        return self.root / "pod-logs"

    @property
    def container_logs(self) -> Path:
        """Return what the node sees as /var/log/containers."""
        return self.root / "container-logs"

    @property
    def cni_state(self) -> Path:
        """Return what the node sees as /var/lib/cni; emptied by `down`."""
        return self.root / "cni"

    @property
    def lock(self) -> Path:
        """Return the file that keeps two runs from working on one node at once."""
        return self.root / "lock"


def compute_node_paths(name: str, env: Mapping[str, str] | None = None) -> NodePaths:
    """Return the paths of the node with this name."""
    return NodePaths(compute_state_root(os.environ if env is None else env) / name)


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file so that a cut-off run leaves either the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)
