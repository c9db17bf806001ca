"""The pod template that all workloads share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from supmessenger_operator.desired.container import Container, Mount, build_scratch
from supmessenger_operator.desired.naming import (
    CONFIG_ANNOTATION,
    SECRETS_ANNOTATION,
    build_pod_labels,
    build_selector,
    compute_hash,
)
from supmessenger_operator.desired.pod_patch import merge_pod_template
from supmessenger_operator.model import Messenger
from supmessenger_operator.model.workload import PodBlock

# One UID for every pod, unknown to every image: whatever an image sets, ours is in force.
POD_UID = 10001
SERVICE_ACCOUNT = "pods"


@dataclass(frozen=True, kw_only=True)
class Pod:
    """What differs between pods; the first container is the main one."""

    component: str
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    # Texts whose change rolls the pod.
    config: Mapping[str, str] = field(default_factory=dict)
    grace_seconds: int = 30
    block: PodBlock = field(default_factory=PodBlock)
    # Where the block stands in the resource, for messages.
    block_path: str = ""
    restart_policy: str = ""
    temporary_limit: str = "256Mi"
    # Component whose ServiceAccount the pod uses, with a token; by default it has none.
    account: str = ""

    def build_template(self, messenger: Messenger) -> dict[str, Any]:
        """Return the pod template with the person's patch merged in."""
        template: dict[str, Any] = {
            "metadata": {"labels": build_pod_labels(messenger, self.component)},
            "spec": self._build_spec(messenger),
        }
        annotations = self._build_annotations()
        if annotations:
            template["metadata"]["annotations"] = annotations
        return merge_pod_template(
            template,
            self.block.pod_template,
            field=f"{self.block_path}.podTemplate",
            selector=build_selector(messenger, self.component),
        )

    def _build_annotations(self) -> dict[str, str]:
        secrets = {
            mount.rolls_with.name: mount.rolls_with.hash
            for container in (*self.init_containers, *self.containers)
            for mount in container.mounts
            if mount.rolls_with is not None
        }
        annotations = {}
        if self.config:
            annotations[CONFIG_ANNOTATION] = compute_hash(dict(self.config))
        if secrets:
            annotations[SECRETS_ANNOTATION] = compute_hash(secrets)
        return annotations

    def _build_spec(self, messenger: Messenger) -> dict[str, Any]:
        images = messenger.spec.images
        temporary = build_scratch("tmp", "/tmp", limit=self.temporary_limit)  # noqa: S108
        containers = tuple(_with_mount(one, temporary) for one in self.containers)
        init_containers = tuple(_with_mount(one, temporary) for one in self.init_containers)
        main, *others = containers
        spec: dict[str, Any] = {
            "serviceAccountName": messenger.object_name(self.account or SERVICE_ACCOUNT),
            "automountServiceAccountToken": bool(self.account),
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": self.grace_seconds,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": POD_UID,
                "runAsGroup": POD_UID,
                "fsGroup": POD_UID,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                main.build_body(pull_policy=images.pull_policy, extra_env=self.block.extra_env),
                *(one.build_body(pull_policy=images.pull_policy) for one in others),
            ],
            "volumes": _build_volumes((*init_containers, *containers)),
        }
        if init_containers:
            spec["initContainers"] = [
                one.build_body(pull_policy=images.pull_policy) for one in init_containers
            ]
        if images.pull_secrets:
            spec["imagePullSecrets"] = [{"name": name} for name in images.pull_secrets]
        if self.restart_policy:
            spec["restartPolicy"] = self.restart_policy
        else:
            spec["topologySpreadConstraints"] = self._build_spread(messenger)
        return spec

    def _build_spread(self, messenger: Messenger) -> list[dict[str, Any]]:
        return [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": build_selector(messenger, self.component)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ]


def _with_mount(container: Container, mount: Mount) -> Container:
    return replace(container, mounts=(*container.mounts, mount))


def _build_volumes(containers: tuple[Container, ...]) -> list[dict[str, Any]]:
    # A mount without a source is a volume claim of the StatefulSet's own.
    volumes = {
        mount.name: {"name": mount.name, **mount.source}
        for container in containers
        for mount in container.mounts
        if mount.source
    }
    return list(volumes.values())
