"""What is built: the Go modules, their binaries, their versions and the key of each build."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from supnode.failure import Failure
from supnode.paths import MODULES

KUBERNETES = "v1.34.4"
MINIO_RELEASE = "RELEASE.2026-02-12T20-18-48Z"


@dataclass(frozen=True)
class Binary:
    """One program: its name here, the package it comes from, the name Go gives it."""

    name: str
    package: str
    built_as: str


@dataclass(frozen=True)
class Group:
    """Programs that share one go.mod, so that what they have in common compiles once.

    `module` is the folder of the go.mod where it is another group's.
    """

    name: str
    ldflags: str
    binaries: tuple[Binary, ...]
    tags: tuple[str, ...] = ()
    module: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the compiler's flags that decide what is built."""
        tags = ("-tags", ",".join(self.tags)) if self.tags else ()
        return (*tags, "-ldflags", self.ldflags)

    @property
    def folder(self) -> Path:
        """Return the folder of the group's go.mod."""
        return MODULES / (self.module or self.name)


def build_version_flags(variables: dict[str, str]) -> str:
    """Return linker flags that strip the binary and set these string variables."""
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in variables.items())])


_MAJOR, _MINOR = KUBERNETES.removeprefix("v").split(".")[:2]
# Without these the node reports v0.0.0-master, and version checks in charts fail.
_KUBERNETES_VERSION = {
    f"{package}.{variable}": value
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in (
        ("gitVersion", KUBERNETES),
        ("gitMajor", _MAJOR),
        ("gitMinor", _MINOR),
        ("gitTreeState", "clean"),
    )
}


HELM = "v3.19.4"
# The release, and the Kubernetes that it thinks of when it asks no cluster.
_HELM_VERSION = {
    "helm.sh/helm/v3/internal/version.version": HELM,
    **{
        f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}": value
        for package in ("chartutil", "lint/rules")
        for part, value in (("Major", _MAJOR), ("Minor", _MINOR))
    },
}


def _kubernetes(name: str) -> Binary:
    return Binary(name, f"k8s.io/kubernetes/cmd/{name}", name)


GROUPS = (
    Group(
        "kube",
        build_version_flags(_KUBERNETES_VERSION),
        (
            Binary("etcd", "go.etcd.io/etcd/server/v3", "server"),
            _kubernetes("kube-apiserver"),
            _kubernetes("kubectl"),
            _kubernetes("kubelet"),
            _kubernetes("kube-controller-manager"),
            _kubernetes("kube-scheduler"),
            _kubernetes("kube-proxy"),
            Binary("coredns", "./coredns", "coredns"),
            Binary("metallb-controller", "go.universe.tf/metallb/controller", "controller"),
            Binary(
                "local-path-provisioner",
                "github.com/rancher/local-path-provisioner",
                "local-path-provisioner",
            ),
        ),
    ),
    Group("registry", "-s -w", (Binary("registry", ".", "registry"),)),
    # A Helm that agrees with the node on Kubernetes' libraries: those are compiled already.
    Group(
        "helm",
        build_version_flags(_HELM_VERSION),
        (Binary("helm", "helm.sh/helm/v3/cmd/helm", "helm"),),
        module="kube",
    ),
    # Helm 4 under a name of its own, and how the kstatus library that it holds judges objects.
    Group(
        "helm4",
        "-s -w",
        (
            Binary("helm4", "helm.sh/helm/v4/cmd/helm", "helm"),
            Binary("kstatus", "./kstatus", "kstatus"),
        ),
    ),
    Group("kind", "-s -w", (Binary("kind", "sigs.k8s.io/kind", "kind"),)),
    # The Lua of Argo CD, for its health checks.
    Group("glua", "-s -w", (Binary("glua", "github.com/yuin/gopher-lua/cmd/glua", "glua"),)),
    # The controllers of one release of Flux, for the tests that run them over the samples.
    Group(
        "flux",
        "-s -w",
        tuple(
            Binary(name, f"github.com/fluxcd/{name}", name)
            for name in ("source-controller", "kustomize-controller", "helm-controller")
        ),
    ),
    # Argo CD's controller and repository server, for the same.
    Group(
        "argocd",
        build_version_flags({"github.com/argoproj/argo-cd/v3/common.version": "3.5.7"}),
        (Binary("argocd", ".", "argocd"),),
    ),
    # Copies images between registries and folders; it travels in the air-gapped bundle.
    Group(
        "crane",
        "-s -w",
        (Binary("crane", "github.com/google/go-containerregistry/cmd/crane", "crane"),),
    ),
    Group("kubeadm", build_version_flags(_KUBERNETES_VERSION), (_kubernetes("kubeadm"),)),
    Group(
        "minio",
        build_version_flags(
            {
                "github.com/minio/minio/cmd.Version": "2026-02-12T20:18:48Z",
                "github.com/minio/minio/cmd.ReleaseTag": MINIO_RELEASE,
                "github.com/minio/minio/cmd.CopyrightYear": "2026",
            }
        ),
        (Binary("minio", "github.com/minio/minio", "minio"),),
    ),
    Group(
        "livekit",
        "-s -w",
        (Binary("livekit-server", "github.com/livekit/livekit-server/cmd/server", "server"),),
    ),
    Group(
        "pebble",
        "-s -w",
        tuple(
            Binary(name, f"github.com/letsencrypt/pebble/v2/cmd/{name}", name)
            for name in ("pebble", "pebble-challtestsrv")
        ),
    ),
    # Of the ways to find targets only those that the platform uses: the others (clouds) would
    # more than double what is compiled.
    Group(
        "prometheus",
        build_version_flags({"github.com/prometheus/common/version.Version": "3.13.2"}),
        tuple(
            Binary(name, f"github.com/prometheus/prometheus/cmd/{name}", name)
            for name in ("prometheus", "promtool")
        ),
        tags=("remove_all_sd", "enable_kubernetes_sd", "enable_dns_sd"),
    ),
    # The last release line that holds both; what they share compiles once.
    Group(
        "loki",
        build_version_flags({"github.com/grafana/loki/v3/pkg/util/build.Version": "3.6.3"}),
        (
            Binary("loki", "github.com/grafana/loki/v3/cmd/loki", "loki"),
            Binary("promtail", "github.com/grafana/loki/v3/clients/cmd/promtail", "promtail"),
        ),
    ),
)

# The order of building. One list is one call of the compiler: the control plane can start while
# the second list is compiled. local-path comes alone: it imports Sirupsen/logrus, and Go refuses
# that beside the sirupsen/logrus of the others.
EARLY = (
    ("etcd", "kube-apiserver", "kubectl"),
    ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
    ("registry",),
    ("coredns", "metallb-controller"),
    ("local-path-provisioner",),
)
LATE = (
    "helm",
    "minio",
    "livekit-server",
    "loki",
    "promtail",
    "prometheus",
    "promtool",
    "pebble",
    "pebble-challtestsrv",
)
GITOPS = ("source-controller", "kustomize-controller", "helm-controller", "argocd")
# What only certain tests and ways to install need: built when it is asked for by name.
ON_DEMAND = ("helm4", "kstatus", "kind", "kubeadm", "crane", "glua", *GITOPS)


def parse_go_directive(go_mod: str) -> tuple[int, ...]:
    """Return the Go version that a go.mod asks for."""
    found = re.search(r"^go (\d+(?:\.\d+)*)$", go_mod, re.MULTILINE)
    if found is None:
        raise Failure("a go.mod names no Go version", cure="restore hack/node/modules from git")
    return tuple(int(part) for part in found.group(1).split("."))


def gather_needed_go() -> tuple[int, ...]:
    """Return the newest Go version that any group asks for."""
    return max(parse_go_directive((group.folder / "go.mod").read_text()) for group in GROUPS)


def find_group(binary: str) -> Group:
    """Return the group that builds a binary; an unknown name is a Failure."""
    for group in GROUPS:
        if any(candidate.name == binary for candidate in group.binaries):
            return group
    known = ", ".join(sorted(binary.name for group in GROUPS for binary in group.binaries))
    raise Failure(f"nothing here builds '{binary}'", cure=f"choose among: {known}")


def find_binary(name: str) -> Binary:
    """Return the binary with this name."""
    return next(binary for binary in find_group(name).binaries if binary.name == name)


def compute_key(contents: dict[str, bytes], *, flags: str) -> str:
    """Return a short digest of named contents and build flags."""
    digest = hashlib.sha256(flags.encode())
    for name in sorted(contents):
        digest.update(b"\0" + name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()[:16]


def gather_group_key(group: Group) -> str:
    """Return the key of a group's build: its go.mod, go.sum, sources and flags."""
    files = [
        path
        for path in sorted(group.folder.rglob("*"))
        if path.is_file() and (path.name in {"go.mod", "go.sum"} or path.suffix == ".go")
    ]
    contents = {str(path.relative_to(group.folder)): path.read_bytes() for path in files}
    return compute_key(contents, flags=" ".join((*group.tags, group.ldflags)))
