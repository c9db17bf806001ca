"""Flux's own controllers as processes, and what they say of their resources."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from support.control_plane import ROOT, find_binary, free_ports
from support.gitops_stage import Stage, find_condition, run_program

NAMESPACE = "flux-system"
SAMPLES = ROOT / "manifests" / "gitops" / "flux"
CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller")
# Only how often a dependency is looked at again is quicker than Flux's own default.
OPTIONS = {
    "kustomize-controller": ("--requeue-dependency=2s",),
    "helm-controller": ("--requeue-dependency=2s", "--graceful-shutdown-timeout=5s"),
    "source-controller": ("--requeue-dependency=2s",),
}


@contextmanager
def run_flux(kubeconfig: Path, *, folder: Path) -> Iterator[None]:
    """Run the three controllers on a cluster until the end of the block."""
    (folder / "artifacts").mkdir(parents=True)
    artifacts, *ports = free_ports(1 + 2 * len(CONTROLLERS))
    env = {
        "KUBECONFIG": str(kubeconfig),
        "RUNTIME_NAMESPACE": NAMESPACE,
        # Their temporary files go with the test's own.
        "TMPDIR": str(folder),
        "GOMEMLIMIT": "512MiB",
        "GOMAXPROCS": "2",
    }
    with ExitStack() as stack:
        for name in CONTROLLERS:
            metrics, health = ports.pop(), ports.pop()
            argv: list[object] = [
                find_binary(name),
                f"--metrics-addr=127.0.0.1:{metrics}",
                f"--health-addr=127.0.0.1:{health}",
                *OPTIONS[name],
            ]
            if name == "source-controller":
                address = f"127.0.0.1:{artifacts}"
                argv += [
                    f"--storage-path={folder / 'artifacts'}",
                    f"--storage-addr={address}",
                    f"--storage-adv-addr={address}",
                ]
            stack.enter_context(run_program(argv, log=folder / f"{name}.log", env=env))
        yield


@dataclass(frozen=True)
class FluxObject:
    """One resource of Flux."""

    stage: Stage
    kind: str
    name: str

    def read(self) -> dict[str, Any]:
        """Return it as it is; an empty dict when there is none."""
        return self.stage.read(self.kind, self.name, NAMESPACE)

    def condition(self, kind: str) -> dict[str, Any]:
        """Return one of its conditions."""
        body = self.read()
        return find_condition(body, kind) if body else {}

    def is_ready(self) -> bool:
        """Return whether it is Ready."""
        return self.condition("Ready").get("status") == "True"

    def has_failed_with(self, reason: str) -> bool:
        """Return whether it is not Ready for this reason."""
        ready = self.condition("Ready")
        return ready.get("status") == "False" and ready["reason"] == reason

    def ask(self) -> str:
        """Ask for it to be reconciled now, as `flux reconcile` does; return the request's mark."""
        asked = datetime.now(UTC).isoformat()
        self.stage.kubectl(
            *("annotate", "--overwrite", self.kind, self.name, "-n", NAMESPACE),
            f"reconcile.fluxcd.io/requestedAt={asked}",
        )
        return asked

    def reconcile(self, *, seconds: float = 60) -> None:
        """Have it reconciled now, and wait until that is done."""
        asked = self.ask()
        self.stage.wait(
            lambda: self.read()["status"].get("lastHandledReconcileAt") == asked,
            seconds=seconds,
            what=f"{self.kind} {self.name} to be reconciled",
        )


def load_sample(name: str) -> dict[str, Any]:
    """Return a sample Kustomization."""
    bodies = yaml.safe_load_all((SAMPLES / "kustomizations.yaml").read_text())
    (body,) = [body for body in bodies if body["metadata"]["name"] == name]
    found: dict[str, Any] = body
    return found
