"""What each tier of tests needs of the machine, and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.processes.binaries import (
    ROOT,
    find_built,
    find_ffmpeg,
    find_java,
    find_kafka,
    find_livekit,
    find_minio,
    find_nginx,
    find_postgres,
    find_rabbitmq,
    find_redis,
    find_turnserver,
)

_INSTALL = "run `hack/dev/install`"


@dataclass(frozen=True)
class Missing:
    """Something a tier needs and the machine has not, with the cure."""

    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what} (cure: {self.cure})"


def gather_services_missing() -> list[Missing]:
    """Return what the servers of the services tier lack."""
    finders: dict[str, tuple[Callable[[], Path | None], str]] = {
        "PostgreSQL 16": (find_postgres, _INSTALL),
        "redis-server": (find_redis, _INSTALL),
        "rabbitmq-server": (find_rabbitmq, _INSTALL),
        "nginx": (find_nginx, _INSTALL),
        "Java 17": (find_java, _INSTALL),
        "Kafka": (find_kafka, _INSTALL),
        "coturn": (find_turnserver, _INSTALL),
        "ffmpeg": (find_ffmpeg, _INSTALL),
        "livekit-server": (find_livekit, "run `python3 hack/node tools livekit-server`"),
        "minio": (find_minio, "run `python3 hack/node tools minio`"),
        "prometheus": (
            lambda: find_built("prometheus"),
            "run `python3 hack/node tools prometheus promtool`",
        ),
        "loki": (lambda: find_built("loki"), "run `python3 hack/node tools loki`"),
        "pebble": (
            lambda: find_built("pebble"),
            "run `python3 hack/node tools pebble pebble-challtestsrv`",
        ),
    }
    return [Missing(what, cure) for what, (find, cure) in finders.items() if find() is None]


def gather_control_plane_missing() -> list[Missing]:
    """Return what an API server of our own lacks."""
    return [
        Missing(name, f"run `python3 hack/node tools {name}`")
        for name in ("kube-apiserver", "etcd")
        if find_built(name) is None
    ]


def gather_node_missing() -> list[Missing]:
    """Return what the end-to-end tests lack."""
    if os.geteuid() != 0:
        return [Missing("root", "run as root, or in a machine of your own")]
    asked = subprocess.run(
        [sys.executable, str(ROOT / "hack" / "node"), "kubeconfig"],
        check=False,
        capture_output=True,
    )
    return [] if asked.returncode == 0 else [Missing("a node that is up", "run `make up`")]


def gather_kind_missing() -> list[Missing]:
    """Return what a kind cluster in an engine of our own lacks."""
    if os.geteuid() != 0:
        return [Missing("root", "run as root, or in a machine of your own")]
    return [
        Missing(name, f"run `python3 hack/node tools {name}`")
        for name in ("kind", "kubeadm", "kubelet", "helm")
        if find_built(name) is None
    ]


def gather_gitops_missing() -> list[Missing]:
    """Return what the controllers of Flux and Argo CD, or an API server for them, lack."""
    programs = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm", "argocd")
    flux = ("source-controller", "kustomize-controller", "helm-controller")
    built = [
        Missing(name, f"run `python3 hack/node tools {name}`")
        for name in (*programs, *flux)
        if find_built(name) is None
    ]
    redis = [] if find_redis() else [Missing("redis-server", _INSTALL)]
    git = [] if shutil.which("git") else [Missing("git", "install git")]
    return [*built, *redis, *git, *gather_node_missing()]


REQUIREMENTS: dict[str, Callable[[], list[Missing]]] = {
    "services": gather_services_missing,
    "control_plane": gather_control_plane_missing,
    "node": gather_node_missing,
    "kind": gather_kind_missing,
    "gitops": gather_gitops_missing,
}


@cache
def gather_missing(tier: str) -> tuple[Missing, ...]:
    """Return what a tier lacks; asked once per process."""
    return tuple(REQUIREMENTS[tier]())


def build_reason(tier: str, missing: tuple[Missing, ...]) -> str:
    """Return why a tier can not run here, in one line."""
    return f"tier {tier} needs " + "; ".join(str(each) for each in missing)
