"""The programs a run calls, with the node's kubeconfig and binaries in their environment."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from supnode.commands import run_captured, run_logged
from supnode.failure import Failure
from supnode.paths import compute_cache_root, compute_node_paths, compute_state_root
from supnode.providers.border import CURRENT, KIND, NATIVE, choose_provider
from supnode.providers.current import CurrentCluster
from supnode.providers.engine import probe_engine
from supnode.providers.kind import KindCluster

CHECKOUT = Path(__file__).resolve().parents[3]
NODE_NAME = "sup"


@dataclass(frozen=True)
class Tools:
    """kubectl, helm and the project's own programs, each with its log."""

    node: str = NODE_NAME

    @cached_property
    def provider(self) -> str:
        """Return which kind of cluster this is about: native, kind or current."""
        return choose_provider(asked="", env=os.environ, probe_engine=probe_engine).name

    @property
    def kubeconfig(self) -> Path:
        """Return the cluster's kubeconfig; the file exists once the cluster is up."""
        if self.provider == KIND:
            return KindCluster(self.node).kubeconfig_path
        if self.provider == CURRENT:
            return CurrentCluster().kubeconfig_path
        return compute_node_paths(self.node).kubeconfig

    @property
    def images_folder(self) -> Path:
        """Return the folder of images.json: another cluster's images are told apart."""
        root = compute_cache_root(os.environ)
        return root / "images" if self.provider == NATIVE else root / self.provider / "images"

    @property
    def shortcuts_record(self) -> Path:
        """Return the file that says which links in a person's shell are ours."""
        return compute_state_root(os.environ) / "shortcuts.json"

    @property
    def logs(self) -> Path:
        """Return the folder of this program's logs."""
        return compute_cache_root(os.environ) / "logs"

    @property
    def binaries(self) -> Path:
        """Return the folder of kubectl and helm."""
        return Path(self.node_program("bin-dir").strip())

    def node_program(self, *arguments: str) -> str:
        """Run a quick verb of hack/node and return what it printed."""
        return run_captured([sys.executable, str(CHECKOUT / "hack/node"), *arguments])

    def stream(self, program: str, *arguments: str) -> None:
        """Run one of the project's programs with its own progress on the terminal."""
        argv = [sys.executable, str(CHECKOUT / "hack" / program), *arguments]
        if subprocess.run(argv, check=False, cwd=CHECKOUT).returncode != 0:
            raise Failure(f"hack/{program} {' '.join(arguments)} failed", cure="see above")

    def log(self, name: str, *argv: str) -> None:
        """Run a program with its output in a log of that name."""
        run_logged(list(argv), log=self.logs / f"{name}.log", env=self.environment(), cwd=CHECKOUT)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl against the node."""
        if not self.kubeconfig.exists():
            raise Failure(
                f"there is no {self.provider} cluster of `make up` here",
                cure=f"`SUP_PROVIDER={self.provider} make up` makes one",
            )
        argv = [str(self.binaries / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        return run_captured(argv, stdin=stdin)

    def kubectl_json(self, *arguments: str) -> Any:
        """Run kubectl with JSON output."""
        return json.loads(self.kubectl(*arguments, "-o", "json"))

    def environment(self) -> dict[str, str]:
        """Return variables with which other programs reach the node."""
        path = f"{self.binaries}:{os.environ.get('PATH', '')}"
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": path}
