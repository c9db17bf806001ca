"""Which instance a verb is about: kubectl, namespace and name."""

from dataclasses import dataclass
from typing import Any

from supmessenger_cli.target import Kubectl
from supmessenger_cli.terminal import VerbFailure, WrongUse

INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
KIND = "supmessengers.supmessenger.io"
# Flux takes back what a manager whose name begins with kubectl wrote, an annotation as well.
MANAGER = "--field-manager=supmessenger-cli"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One instance, and kubectl to reach it."""

    kubectl: Kubectl
    namespace: str
    name: str

    @property
    def where(self) -> tuple[str, str]:
        """The flags of its namespace."""
        return ("-n", self.namespace)

    @property
    def flags(self) -> str:
        """What a person adds to a command about it."""
        context = f" --context {self.kubectl.context}" if self.kubectl.context else ""
        return f"-n {self.namespace}{context}"

    @property
    def selector(self) -> str:
        """Labels of everything of this instance."""
        return f"{INSTANCE_LABEL}={self.name},app.kubernetes.io/name=sup-messenger"

    def select(self, component: str) -> str:
        """Labels of everything of one component."""
        return f"{self.selector},{COMPONENT_LABEL}={component}"

    async def resource(self) -> dict[str, Any]:
        """Return the SupMessenger."""
        found = await self.kubectl.find(KIND, self.name, *self.where)
        if found is None:
            raise VerbFailure(
                f"there is no SupMessenger {self.name} in namespace {self.namespace}",
                cure="kubectl get sup -A shows those there are",
            )
        return found

    async def list(self, kinds: str, *, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of these kinds that carry the labels, by default the instance's."""
        found = await self.kubectl.get(kinds, *self.where, "-l", selector or self.selector)
        items: list[dict[str, Any]] = found["items"]
        return items


async def open_scope(*, context: str | None, namespace: str | None, name: str | None) -> Scope:
    """Find out what was meant: the context's namespace, and the only instance in it."""
    kubectl = Kubectl(context=context)
    chosen = namespace or await gather_namespace(kubectl)
    if name is None:
        found = await kubectl.get(KIND, "-n", chosen)
        name = choose_name([item["metadata"]["name"] for item in found["items"]], namespace=chosen)
    return Scope(kubectl=kubectl, namespace=chosen, name=name)


async def gather_namespace(kubectl: Kubectl) -> str:
    """Return the namespace of the kubeconfig's context, as kubectl itself would use it."""
    path = "jsonpath={..namespace}"
    return (await kubectl.run("config", "view", "--minify", "-o", path)).strip() or "default"


def choose_name(names: list[str], *, namespace: str) -> str:
    """Return the only name; WrongUse when there are none or several."""
    if len(names) == 1:
        return names[0]
    if not names:
        raise WrongUse(
            f"there is no SupMessenger in namespace {namespace}; name another one with -n,"
            " or make one: kubectl sup setup"
        )
    raise WrongUse(f"which one? namespace {namespace} has {', '.join(sorted(names))}")
