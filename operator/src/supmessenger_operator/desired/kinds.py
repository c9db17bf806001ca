"""One function per Kubernetes kind that several components are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supmessenger_operator.desired.naming import (
    RESTARTED_ANNOTATION,
    build_metadata,
    build_pod_labels,
    build_selector,
    compute_hash,
)
from supmessenger_operator.desired.pod import Pod
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave
from supmessenger_operator.model.effective import EffectiveWorkload


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Builds the objects of one component: what they share is said once."""

    messenger: Messenger
    inputs: Inputs
    component: str
    wave: Wave

    @property
    def name(self) -> str:
        """Name of the component's objects."""
        return self.messenger.object_name(self.component)

    def build(self, body: Mapping[str, Any]) -> DesiredObject:
        """Put an object into its place in the one order."""
        return DesiredObject(component=self.component, wave=self.wave, body=body)

    def build_metadata(
        self,
        *,
        name: str = "",
        annotations: Mapping[str, str] | None = None,
        owned: bool = True,
    ) -> dict[str, Any]:
        """Return the metadata of an object of this component."""
        return build_metadata(
            self.messenger,
            self.inputs,
            component=self.component,
            name=name,
            annotations=annotations,
            owned=owned,
        )

    def build_config_map(self, files: Mapping[str, str], *, name: str = "") -> DesiredObject:
        """A ConfigMap with files; its name is the component's unless given."""
        return self.build(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": self.build_metadata(name=name),
                "data": dict(files),
            }
        )

    def build_service(
        self,
        ports: Mapping[str, tuple[int, str]],
        *,
        udp_ports: Mapping[str, tuple[int, str | int]] | None = None,
        name: str = "",
        selects: str = "",
        annotations: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> DesiredObject:
        """A Service; `ports` maps a name to its port and the container's port name or number.

        Its name is the component's and it selects the component's pods unless said otherwise.
        """
        return self.build(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": self.build_metadata(name=name, annotations=annotations),
                "spec": {
                    "type": "ClusterIP",
                    **(settings or {}),
                    "selector": build_selector(self.messenger, selects or self.component),
                    "ports": [
                        {"name": name, "port": port, "targetPort": target, "protocol": protocol}
                        for protocol, some in (("TCP", ports), ("UDP", udp_ports or {}))
                        for name, (port, target) in some.items()
                    ],
                },
            }
        )

    def build_stateful_set(self, pod: Pod, *, storage: EffectiveWorkload | None) -> DesiredObject:
        """One data-bearing pod, with the volume claim `data` when storage is given."""
        deletion = "Delete" if self.messenger.spec.deletion_policy == "Delete" else "Retain"
        spec: dict[str, Any] = {
            "replicas": self._count_pods(1),
            "serviceName": self.name,
            # A readiness check that needs peers must not block their start.
            "podManagementPolicy": "Parallel",
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": build_selector(self.messenger, self.component)},
            "template": self._build_template(pod),
        }
        if storage is not None:
            spec["persistentVolumeClaimRetentionPolicy"] = {
                "whenDeleted": deletion,
                "whenScaled": "Retain",
            }
            spec["volumeClaimTemplates"] = [
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    # Templates are immutable: nothing here may follow the operator's version.
                    "metadata": {
                        "name": "data",
                        "labels": build_selector(self.messenger, self.component),
                    },
                    "spec": build_claim_spec(storage),
                }
            ]
        return self.build(
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": self.build_metadata(),
                "spec": spec,
            }
        )

    def build_deployment(
        self,
        pod: Pod,
        *,
        replicas: int,
        annotations: Mapping[str, str] | None = None,
        recreates: bool = False,
    ) -> tuple[DesiredObject, ...]:
        """A Deployment that never falls below its number, and its disruption budget.

        `recreates` ends the old pod before the new one, where two would share one address.
        """
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        spec = {
            "replicas": self._count_pods(replicas),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": build_selector(self.messenger, self.component)},
            "strategy": {"type": "Recreate"} if recreates else rolling,
            "template": self._build_template(pod),
        }
        deployment = self.build(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": self.build_metadata(annotations=annotations),
                "spec": spec,
            }
        )
        return (deployment, self._build_disruption_budget()) if replicas > 1 else (deployment,)

    def build_job(
        self, pod: Pod, *, attempts: int, deadline_seconds: int, follows_secrets: bool = False
    ) -> DesiredObject:
        """A Job named by a hash of its inputs: other inputs are another Job.

        `follows_secrets` makes another password another input; a Job that only uses its Secrets
        reads them when it starts and need not run again.
        """
        template = pod.build_template(self.messenger)
        spec = {
            "backoffLimit": attempts,
            "activeDeadlineSeconds": deadline_seconds,
            "template": template if follows_secrets else _without_hashes(template),
        }
        return self.build(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": self.build_metadata(name=f"{self.name}-{compute_hash(spec)}"),
                "spec": spec,
            }
        )

    def build_cron_job(
        self, pod: Pod, *, schedule: str, time_zone: str, deadline_seconds: int
    ) -> DesiredObject:
        """A CronJob of which one run at a time is alive."""
        job = {
            "backoffLimit": 1,
            "activeDeadlineSeconds": deadline_seconds,
            "template": pod.build_template(self.messenger),
        }
        return self.build(
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": self.build_metadata(),
                "spec": {
                    "schedule": schedule,
                    "timeZone": time_zone,
                    "concurrencyPolicy": "Forbid",
                    **({"suspend": True} if self.messenger.is_hibernated else {}),
                    "startingDeadlineSeconds": 3600,
                    "successfulJobsHistoryLimit": 3,
                    "failedJobsHistoryLimit": 3,
                    "jobTemplate": {
                        # All of them, or the operator never hears of a run that failed.
                        "metadata": {"labels": build_pod_labels(self.messenger, self.component)},
                        "spec": job,
                    },
                },
            }
        )

    def _count_pods(self, wanted: int) -> int:
        return 0 if self.messenger.is_hibernated else wanted

    def _build_template(self, pod: Pod) -> dict[str, Any]:
        """Return the template of pods that stay; a new word of `restart-at` replaces them."""
        template = pod.build_template(self.messenger)
        asked = self.messenger.find_restart(self.component)
        if not asked:
            return template
        metadata = template["metadata"]
        annotations = {**metadata.get("annotations", {}), RESTARTED_ANNOTATION: asked}
        return {**template, "metadata": {**metadata, "annotations": annotations}}

    def _build_disruption_budget(self) -> DesiredObject:
        return self.build(
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": self.build_metadata(),
                "spec": {
                    "maxUnavailable": 1,
                    "selector": {"matchLabels": build_selector(self.messenger, self.component)},
                },
            }
        )


def build_claim_spec(storage: EffectiveWorkload) -> dict[str, Any]:
    """Return the spec of a volume claim; without a class the cluster's default serves it."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.storage}},
    }
    if storage.storage_class_name:
        spec["storageClassName"] = storage.storage_class_name
    return spec


def _without_hashes(template: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in template["metadata"].items() if key != "annotations"}
    return {**template, "metadata": metadata}
