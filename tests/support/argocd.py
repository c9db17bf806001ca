"""Argo CD's own controller and repository server as processes; and an Application."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.control_plane import ROOT, find_binary, free_ports
from support.gitops_stage import Stage, run_program
from support.operator_process import wait_for
from support.processes.binaries import find_redis

NAMESPACE = "argocd"
SAMPLES = ROOT / "manifests" / "gitops" / "argocd"
HEALTH = SAMPLES / "health.yaml"
# Without it, deleting an Application leaves the instance alone.
FINALIZER = "resources-finalizer.argocd.argoproj.io"
# What its web server, which does not run here, makes at its first start.
DEFAULT_PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}


def configure_argocd(stage: Stage, definitions: Path) -> None:
    """Apply the settings that Argo CD comes with, and our health check as the page says."""
    settings = str(definitions / "settings")
    stage.kubectl("apply", "-n", NAMESPACE, "-f", settings)
    stage.kubectl("apply", "-f", "-", given=json.dumps(DEFAULT_PROJECT))
    patch = ("patch", "configmap", "argocd-cm", "-n", NAMESPACE, "--patch-file", str(HEALTH))
    stage.kubectl(*patch)


@contextmanager
def run_argocd(kubeconfig: Path, *, definitions: Path, folder: Path) -> Iterator[None]:
    """Run Argo CD on a cluster until the end of the block."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in ("argocd-application-controller", "argocd-repo-server"):
        (programs / name).symlink_to(find_binary("argocd"))
    redis, server, *metrics = free_ports(4)
    env = _build_environment(kubeconfig, folder)
    # It renders charts with the helm program, and asks git by a script that comes with it.
    helm = find_binary("helm").parent
    env["PATH"] = f"{definitions / 'programs'}:{helm}:{os.environ['PATH']}"
    cache = [find_redis() or "redis-server", *_build_redis_options(redis, folder)]
    repository = [
        programs / "argocd-repo-server",
        "--address=127.0.0.1",
        f"--port={server}",
        "--metrics-address=127.0.0.1",
        f"--metrics-port={metrics[0]}",
        f"--redis=127.0.0.1:{redis}",
        *("--disable-tls", "--client-ca-path="),
    ]
    controller = [
        programs / "argocd-application-controller",
        f"--kubeconfig={kubeconfig}",
        f"--namespace={NAMESPACE}",
        f"--metrics-port={metrics[1]}",
        f"--repo-server=127.0.0.1:{server}",
        "--repo-server-plaintext",
        f"--redis=127.0.0.1:{redis}",
    ]
    with (
        run_program(cache, log=folder / "redis.log", env={}),
        run_program(repository, log=folder / "repo-server.log", env=env) as running,
    ):
        # The controller would not ask again for minutes.
        wait_for(
            lambda: running.poll() is not None or _is_listening(server),
            seconds=60,
            what="the repository server to listen",
        )
        with run_program(controller, log=folder / "application-controller.log", env=env):
            yield


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _build_redis_options(port: int, folder: Path) -> tuple[str, ...]:
    return (
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", "--maxmemory", "128mb"),
    )


def _build_environment(kubeconfig: Path, folder: Path) -> dict[str, str]:
    places = {
        name: str(folder / name.lower())
        for name in (
            "ARGOCD_TLS_DATA_PATH",
            "ARGOCD_SSH_DATA_PATH",
            "ARGOCD_GPG_DATA_PATH",
            "ARGOCD_GNUPGHOME",
            "ARGOCD_PLUGINSOCKFILEPATH",
        )
    }
    for place in places.values():
        Path(place).mkdir()
    return places | {
        # The cluster that the samples call kubernetes.default.svc is the one of the kubeconfig.
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_ASK_PASS_SOCK": str(folder / "ask-pass.sock"),
        "KUBECONFIG": str(kubeconfig),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "GOMEMLIMIT": "768MiB",
        "GOMAXPROCS": "2",
    }


@dataclass(frozen=True)
class Application:
    """One Application of Argo CD."""

    stage: Stage
    name: str

    def read(self) -> dict[str, Any]:
        """Return it as it is; an empty dict when there is none."""
        return self.stage.read("application", self.name, NAMESPACE)

    def verdict(self) -> tuple[str, str]:
        """Return its health and whether it is in sync, or empty words."""
        status = self.read().get("status", {})
        health, sync = status.get("health", {}), status.get("sync", {})
        return health.get("status", ""), sync.get("status", "")

    def is_well(self) -> bool:
        """Return whether it is Healthy and Synced."""
        return self.is_held_for("Healthy")

    def is_held_for(self, health: str) -> bool:
        """Return whether it has this health and is in sync."""
        return self.verdict() == (health, "Synced")

    def expect(self, health: str, *, seconds: float = 60) -> None:
        """Wait until it has this health and is in sync."""
        self.stage.wait(lambda: self.is_held_for(health), seconds=seconds, what=health)

    def is_synced(self) -> bool:
        """Return whether its last sync succeeded and left no difference."""
        return self.operation().get("phase") == "Succeeded" and self.verdict()[1] == "Synced"

    def operation(self) -> dict[str, Any]:
        """Return its last sync; an empty dict when there was none."""
        state: dict[str, Any] = self.read().get("status", {}).get("operationState", {})
        return state

    def change(self, patch: dict[str, Any]) -> None:
        """Merge a patch into it."""
        patched = ("patch", "application", self.name, "-n", NAMESPACE, "--type=merge")
        self.stage.kubectl(*patched, "--patch", json.dumps(patch))

    def change_values(self, **values: Any) -> None:
        """Change values of its chart."""
        self.change({"spec": {"source": {"helm": {"valuesObject": values}}}})

    def refresh(self, *, seconds: float = 60) -> None:
        """Have it compared now, as its page's button does, and wait until that is done."""
        mark = "argocd.argoproj.io/refresh"
        self.change({"metadata": {"annotations": {mark: "normal"}}})
        self.stage.wait(
            lambda: mark not in self.read()["metadata"].get("annotations", {}),
            seconds=seconds,
            what=f"the Application {self.name} to be compared",
        )

    def delete(self) -> None:
        """Delete it, and wait until it is gone."""
        delete = ("delete", "application", self.name, "-n", NAMESPACE, "--wait=false")
        self.stage.kubectl(*delete)
        self.stage.wait(lambda: not self.read(), seconds=90, what=f"{self.name} to be deleted")


def load_sample(name: str) -> dict[str, Any]:
    """Return a sample Application."""
    body: dict[str, Any] = yaml.safe_load((SAMPLES / name).read_text())
    return body
