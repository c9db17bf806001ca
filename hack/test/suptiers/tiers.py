"""What the tiers are: how each is prepared and run, in the order from quick to whole."""

from dataclasses import dataclass

PYTEST = (".venv/bin/python", "-m", "pytest", "-q")
# What hack/node builds for the services tier.
PROGRAMS = (
    "minio",
    "livekit-server",
    "loki",
    "prometheus",
    "promtool",
    "pebble",
    "pebble-challtestsrv",
)
NO_TIER = "not services and not control_plane and not node and not kind and not gitops"
# What a kind node image holds beside kubeadm.
NODE_PROGRAMS = (
    *("etcd", "kube-apiserver", "kubectl", "kubelet", "kube-controller-manager"),
    *("kube-scheduler", "kube-proxy", "coredns", "local-path-provisioner"),
)
GITOPS_PROGRAMS = ("source-controller", "kustomize-controller", "helm-controller", "argocd")
PARALLEL = ("-n", "2", "--dist", "loadfile")
# With real servers a third of the time is waiting.
WAITING = ("-n", "3", "--dist", "loadfile")


@dataclass(frozen=True, kw_only=True)
class Tier:
    """One tier: commands that prepare it, the command that runs it, and who can host it."""

    name: str
    prepare: tuple[tuple[str, ...], ...] = ()
    command: tuple[str, ...]
    counts: bool = True  # whether the command is pytest and leaves a count
    needs_root: bool = False
    by_name: bool = False  # whether it runs only when it is named


TIERS: tuple[Tier, ...] = (
    Tier(name="check", command=("make", "check"), counts=False),
    Tier(
        name="unit",
        command=(
            *PYTEST,
            *PARALLEL,
            "-m",
            NO_TIER,
        ),
    ),
    Tier(
        name="services",
        prepare=(
            ("python3", "hack/node", "tools", *PROGRAMS),
            ("python3", "hack/images", "fetch", "postgres"),
            ("python3", "hack/dev/install"),
        ),
        command=(*PYTEST, *WAITING, "-m", "services"),
    ),
    Tier(
        name="control-plane",
        prepare=(
            ("python3", "hack/node", "tools", "etcd", "kube-apiserver", "kubectl"),
            ("python3", "hack/node", "tools", "helm", "helm4", "kstatus", "glua"),
            ("python3", "hack/node", "tools", "registry", "crane"),
            ("python3", "hack/node", "definitions"),
        ),
        command=(*PYTEST, "-m", "control_plane"),
    ),
    Tier(
        name="node",
        prepare=(("make", "up"), ("python3", "hack/node", "tools", "helm4", "crane")),
        command=(*PYTEST, *PARALLEL, "-m", "node"),
        needs_root=True,
    ),
    Tier(
        name="kind",
        prepare=(
            ("python3", "hack/node", "tools", "kind", "kubeadm", "helm", "minio"),
            ("python3", "hack/node", "tools", *NODE_PROGRAMS),
        ),
        command=(*PYTEST, "-m", "kind"),
        needs_root=True,
        by_name=True,
    ),
    Tier(
        name="gitops",
        prepare=(
            ("make", "up"),
            ("python3", "hack/dev/install"),
            ("python3", "hack/node", "tools", *GITOPS_PROGRAMS),
            ("python3", "hack/node", "definitions"),
        ),
        command=(*PYTEST, "-m", "gitops"),
        needs_root=True,
        by_name=True,
    ),
)


def find_tiers(names: list[str]) -> tuple[Tier, ...]:
    """Return the named tiers in their order, `make test`'s for no name; ValueError otherwise."""
    known = {tier.name for tier in TIERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no tier is called {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if not names:
        return tuple(tier for tier in TIERS if not tier.by_name)
    return tuple(tier for tier in TIERS if tier.name in names)


def explain_unhosted(tier: Tier, *, system: str, uid: int) -> str:
    """Return why this machine cannot host a tier, with the cure; empty when it can."""
    if not tier.needs_root:
        return ""
    if system != "Linux":
        return f"it needs Linux, this is {system}; cure: run it in a Linux machine"
    if uid != 0:
        cure = f"run `sudo make test-{tier.name}`"
        return f"it needs root for pods, mounts and addresses; cure: {cure}"
    return ""
