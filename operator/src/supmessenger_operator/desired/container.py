"""One container under the restricted Pod Security Standard, whatever its image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supmessenger_operator.model import SecretFact
from supmessenger_operator.model.effective import EffectiveWorkload
from supmessenger_operator.model.workload import EnvVar

# The binaries of every image we know, upstream's and hand-made ones: a bare command then works.
PATH = ":".join(
    (
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/lib/postgresql/16/bin",
        "/opt/kafka/bin",
        "/opt/java/openjdk/bin",
        "/opt/rabbitmq/sbin",
        "/opt/erlang/bin",
        "/opt/openssl/bin",
        "/usr/share/grafana/bin",
        "/",
    )
)
SECRET_MODE = 0o440


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume and where a container sees it."""

    name: str
    path: str
    source: Mapping[str, Any]
    read_only: bool = True
    sub_path: str = ""
    # A Secret whose change rolls the pod; none for what is read again while running.
    rolls_with: SecretFact | None = None

    def build_body(self) -> dict[str, Any]:
        """Return the entry of `volumeMounts`."""
        body: dict[str, Any] = {"name": self.name, "mountPath": self.path}
        if self.read_only:
            body["readOnly"] = True
        if self.sub_path:
            body["subPath"] = self.sub_path
        return body


@dataclass(frozen=True, kw_only=True)
class Container:
    """What differs between containers; the rest is the same for all."""

    name: str
    image: str
    command: tuple[str, ...]
    amounts: EffectiveWorkload
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    udp_ports: Mapping[str, int] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    probes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pre_stop: tuple[str, ...] = ()
    # A program whose file carries the capability to bind low ports is not even started without
    # it; the restricted standard allows this one alone.
    keeps_net_bind: bool = False

    def build_body(self, *, pull_policy: str, extra_env: tuple[EnvVar, ...] = ()) -> dict[str, Any]:
        """Return the container; an extra variable wins over ours of the same name."""
        body: dict[str, Any] = {
            "name": self.name,
            "image": self.image,
            "imagePullPolicy": pull_policy,
            "command": list(self.command),
            "env": _build_env(self.env, extra_env),
            "resources": _build_resources(self.amounts),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {
                    "drop": ["ALL"],
                    **({"add": ["NET_BIND_SERVICE"]} if self.keeps_net_bind else {}),
                },
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
            },
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [mount.build_body() for mount in self.mounts],
            **self.probes,
        }
        if self.args:
            body["args"] = list(self.args)
        if self.ports or self.udp_ports:
            body["ports"] = [
                {"name": name, "containerPort": port, "protocol": protocol}
                for protocol, ports in (("TCP", self.ports), ("UDP", self.udp_ports))
                for name, port in ports.items()
            ]
        if self.pre_stop:
            body["lifecycle"] = {"preStop": {"exec": {"command": list(self.pre_stop)}}}
        return body


def build_binding(fact: SecretFact, binding: str) -> Mount:
    """Mount a connection Secret as the folder of a binding."""
    return build_secret_mount(fact, name=f"binding-{binding}", path=f"/bindings/{binding}")


def build_secret_mount(fact: SecretFact, *, name: str, path: str, rolls_pod: bool = True) -> Mount:
    """Mount a Secret as files that only our group reads."""
    return Mount(
        name=name,
        path=path,
        source={"secret": {"secretName": fact.name, "defaultMode": SECRET_MODE}},
        rolls_with=fact if rolls_pod else None,
    )


def build_config_mount(config_map: str, path: str) -> Mount:
    """Mount a ConfigMap as a folder."""
    return Mount(name="config", path=path, source={"configMap": {"name": config_map}})


def build_scratch(name: str, path: str, *, in_memory: bool = False, limit: str = "") -> Mount:
    """Mount an empty folder that ends with the pod."""
    source: dict[str, Any] = {}
    if in_memory:
        source["medium"] = "Memory"
    if limit:
        source["sizeLimit"] = limit
    return Mount(name=name, path=path, source={"emptyDir": source}, read_only=False)


def build_claim(name: str, path: str, claim: str = "") -> Mount:
    """Mount a volume claim; without `claim` it is one of the StatefulSet's own."""
    source = {"persistentVolumeClaim": {"claimName": claim}} if claim else {}
    return Mount(name=name, path=path, source=source, read_only=False)


def _build_env(env: Mapping[str, str], extra_env: tuple[EnvVar, ...]) -> list[dict[str, Any]]:
    variables: dict[str, dict[str, Any]] = {
        name: {"name": name, "value": value}
        for name, value in {"HOME": "/tmp", "PATH": PATH, **env}.items()  # noqa: S108 - the pod's own emptyDir
    }
    for extra in extra_env:
        reference = extra.value_secret_ref
        variables[extra.name] = (
            {"name": extra.name, "value": extra.value}
            if reference is None
            else {
                "name": extra.name,
                "valueFrom": {
                    "secretKeyRef": {"name": reference.name, "key": reference.key or extra.name}
                },
            }
        )
    return list(variables.values())


def _build_resources(amounts: EffectiveWorkload) -> dict[str, Any]:
    return {
        "requests": {"cpu": amounts.requests.cpu, "memory": amounts.requests.memory},
        "limits": {"cpu": amounts.limits.cpu, "memory": amounts.limits.memory},
    }
