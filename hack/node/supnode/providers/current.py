"""Somebody's own cluster: the context of a kubeconfig, and a registry that it pulls from."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from supnode.builds import BuildCache
from supnode.commands import probe_succeeds, run_captured
from supnode.failure import Failure
from supnode.paths import compute_cache_root, write_atomically
from supnode.steps import Steps

CONTEXT_VARIABLE, REGISTRY_VARIABLE = "SUP_CONTEXT", "SUP_REGISTRY"
LOCAL_PREFIXES = ("kind-", "k3d-")
LOCAL_NAMES = frozenset({"minikube", "docker-desktop", "rancher-desktop"})


@dataclass(frozen=True)
class Context:
    """A context of a kubeconfig and the address of its API server."""

    name: str
    server: str


def is_local(context: Context) -> bool:
    """Return whether a context means a cluster on this machine, by its name or its address."""
    if context.name in LOCAL_NAMES or context.name.startswith(LOCAL_PREFIXES):
        return True
    host = urlsplit(context.server).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_context(context: Context, *, confirmed: str) -> Context:
    """Return the context if it may be used: on this machine, or confirmed by its name."""
    if confirmed and confirmed != context.name:
        raise Failure(
            f"the kubeconfig has no context '{confirmed}'", cure="kubectl config get-contexts"
        )
    if not confirmed and not is_local(context):
        raise Failure(
            f"the current context '{context.name}' ({context.server}) is not on this machine, "
            "and nobody said that it is meant",
            cure=f"{CONTEXT_VARIABLE}={context.name} make up, if it is",
        )
    return context


def parse_config(document: str) -> Context:
    """Read the one context of a kubeconfig in JSON that was reduced to it."""
    config = json.loads(document)
    contexts, clusters = config.get("contexts") or [], config.get("clusters") or []
    if not contexts or not clusters:
        raise Failure(
            "the kubeconfig has no current context", cure="kubectl config use-context NAME"
        )
    return Context(name=contexts[0]["name"], server=clusters[0]["cluster"]["server"])


def choose_registry(env: Mapping[str, str]) -> str:
    """Return the registry that images go to; there is no default for somebody's own cluster."""
    registry = env.get(REGISTRY_VARIABLE, "").strip().rstrip("/")
    if not registry or "://" in registry:
        raise Failure(
            f"{REGISTRY_VARIABLE} must name a registry that the cluster pulls from"
            + (", without a scheme" if registry else ""),
            cure=f"{REGISTRY_VARIABLE}=registry.example.org/team SUP_PROVIDER=current make up",
        )
    return registry


class CurrentCluster:
    """The cluster of a context; nothing is started or stopped."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = os.environ if env is None else env
        self._cache = BuildCache(compute_cache_root(self._env))

    def up(self, steps: Steps) -> None:
        """Check that the cluster is meant, answers and can hold the platform."""
        registry = choose_registry(self._env)
        with steps.step("kubectl"):
            self._cache.ensure(["kubectl"])
        context = self._gather_context()
        with steps.step(f"cluster of context {context.name}"):
            self._write_kubeconfig(context)
            self._check_cluster()
        steps.say(f"{context.server}; images go to {registry}")

    def down(self, steps: Steps) -> None:
        """Forget the cluster; whatever runs there is its owner's."""
        self.kubeconfig_path.unlink(missing_ok=True)

    def clean(self, steps: Steps) -> None:
        """Forget the cluster."""
        self.down(steps)
        steps.say("the cluster is yours: what `make down` left there is named in docs/install.md")

    def status(self) -> str:
        """Return which cluster is meant."""
        context = self._gather_context()
        answers = self._succeeds("get", "--raw", "/readyz")
        return (
            f"context     {context.name}\nAPI server  {context.server}, "
            f"{'ready' if answers else 'NOT READY'}\n"
            f"registry    {self._env.get(REGISTRY_VARIABLE) or 'not named'}"
        )

    def kubeconfig(self) -> Path:
        """Return a kubeconfig of that context alone; a Failure unless the API server answers."""
        self._write_kubeconfig(self._gather_context())
        if not self._succeeds("get", "--raw", "/readyz"):
            raise Failure("the cluster of this context does not answer", cure="kubectl get nodes")
        return self.kubeconfig_path

    @property
    def kubeconfig_path(self) -> Path:
        """Return where the kubeconfig is once the cluster is up."""
        return self._cache.root / "current" / "kubeconfig"

    def _gather_context(self) -> Context:
        confirmed = self._env.get(CONTEXT_VARIABLE, "")
        words = ("config", "view", "--minify", "--output", "json")
        chosen = ("--context", confirmed) if confirmed else ()
        document = run_captured(
            [self._kubectl, *words, *chosen], cure="kubectl config get-contexts"
        )
        return choose_context(parse_config(document), confirmed=confirmed)

    def _write_kubeconfig(self, context: Context) -> None:
        """Keep this context alone, so that a later switch of contexts changes nothing."""
        words = ("config", "view", "--minify", "--flatten", "--raw", "--context", context.name)
        document = run_captured([self._kubectl, *words])
        folder = self.kubeconfig_path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        write_atomically(self.kubeconfig_path, document, mode=0o600)

    def _check_cluster(self) -> None:
        if not self._succeeds("get", "--raw", "/readyz"):
            raise Failure("the cluster of this context does not answer", cure="kubectl get nodes")
        for verb, kind in (("create", "customresourcedefinitions"), ("create", "clusterroles")):
            if not self._succeeds("auth", "can-i", verb, kind):
                raise Failure(
                    f"this account may not {verb} {kind}, which installing the operator needs",
                    cure="use an account that administers the cluster",
                )
        marked = "{.items[*].metadata.annotations.storageclass\\.kubernetes\\.io/is-default-class}"
        found = run_captured([*self._client(), "get", "storageclass", "-o", f"jsonpath={marked}"])
        if "true" not in found:
            raise Failure(
                "the cluster has no default StorageClass, which the sample's volumes ask for",
                cure="kubectl annotate storageclass NAME "
                "storageclass.kubernetes.io/is-default-class=true",
            )

    @property
    def _kubectl(self) -> str:
        return str(self._cache.path("kubectl"))

    def _client(self) -> list[str]:
        return [self._kubectl, "--kubeconfig", str(self.kubeconfig_path)]

    def _succeeds(self, *words: str) -> bool:
        return probe_succeeds([*self._client(), *words])
