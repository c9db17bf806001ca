"""The block that every workload offers: replicas or autoscaling, resources, env, pod template."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, WithJsonSchema

from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.scalars import Quantity, SecretRef, StorageSize

_FREE: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
PodTemplate = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            **_FREE,
            # More would make the definition too large: a part tells what else is wrong with it.
            "properties": {
                "metadata": {**_FREE, "description": "Labels and annotations."},
                "spec": {**_FREE, "description": "Of the pod."},
            },
        }
    ),
]


class ResourceList(Model):
    """An amount of CPU and memory."""

    cpu: Quantity | None = Field(
        default=None, description="Cores, such as 250m; default: what size gives."
    )
    memory: Quantity | None = Field(
        default=None, description="Bytes, such as 512Mi; default: what size gives."
    )


class Resources(Model):
    """Requests and limits of one container."""

    requests: ResourceList = Field(
        default=ResourceList(),
        description="What the scheduler reserves; default: what size gives.",
    )
    limits: ResourceList = Field(
        default=ResourceList(), description="The most it may use; default: what size gives."
    )


class EnvVar(Model):
    """One environment variable of a container."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "!(has(self.value) && self.value != '' && has(self.valueSecretRef))",
                    "set one of value and valueSecretRef",
                )
            ]
        }
    )
    name: str = Field(
        description="Name of the variable.",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        max_length=128,
    )
    value: str = Field(default="", description="Plain value; default: empty.", max_length=4096)
    value_secret_ref: SecretRef | None = Field(
        default=None, description="Key of a Secret to take the value from; default: none."
    )


class Autoscaling(Model):
    """How many replicas a HorizontalPodAutoscaler may choose between."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "self.minReplicas <= self.maxReplicas",
                    "minReplicas must not be above maxReplicas",
                )
            ]
        }
    )
    min_replicas: int = Field(default=2, ge=1, le=1000, description="Fewest replicas; default: 2.")
    max_replicas: int = Field(default=20, ge=1, le=1000, description="Most replicas; default: 20.")
    target_cpu_percent: int = Field(
        default=70,
        ge=1,
        le=100,
        description="CPU use to aim for, in percent of the request; default: 70.",
    )


class WebsocketAutoscaling(Autoscaling):
    """Autoscaling of the socket service, which counts connections."""

    connections_per_pod: int = Field(
        default=10000, ge=1, description="Open sockets that one pod shall serve; default: 10000."
    )


class PodBlock(Model):
    """What every pod offers besides its number."""

    resources: Resources = Field(
        default=Resources(), description="Requests and limits; default: what size gives."
    )
    extra_env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=64,
        description="Environment variables added to the main container; default: none.",
    )
    pod_template: PodTemplate = Field(
        default={},
        description="Patch of the pod template, merged by the keys Kubernetes uses; default: none.",
    )


_REPLICAS_OR_AUTOSCALING = build_rule(
    "!(has(self.replicas) && has(self.autoscaling))",
    "set one of replicas and autoscaling: an autoscaler owns the number of replicas",
)


class Workload(PodBlock):
    """A workload of which there can be several replicas."""

    model_config = ConfigDict(
        json_schema_extra={"x-kubernetes-validations": [_REPLICAS_OR_AUTOSCALING]}
    )
    replicas: int | None = Field(
        default=None, ge=0, le=1000, description="Number of pods; default: what size gives."
    )
    autoscaling: Autoscaling | None = Field(
        default=None, description="Let an autoscaler choose the number of pods; default: off."
    )


class Storage(Model):
    """A volume of a data-bearing pod."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "has(self.className) == has(oldSelf.className)"
                    " && (!has(self.className) || self.className == oldSelf.className)",
                    "the storage class of a live volume can't change: make a new SupMessenger"
                    " with the class you want and restore a backup into it",
                ),
                build_rule(
                    "!has(self.size) || !has(oldSelf.size) || "
                    "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
                    "a volume can't shrink: make a new SupMessenger with the size you want"
                    " and restore a backup into it",
                ),
            ]
        }
    )
    size: StorageSize | None = Field(
        default=None, description="Bytes, such as 10Gi; default: what size gives."
    )
    class_name: str = Field(
        default="",
        max_length=253,
        description="StorageClass, fixed once made; default: the cluster's default class.",
    )


class DataWorkload(PodBlock):
    """A data-bearing workload of one pod with a volume."""

    storage: Storage = Field(default=Storage(), description="Its volume.")
