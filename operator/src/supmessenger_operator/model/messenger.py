"""One SupMessenger, parsed once at the edge."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import Field, ValidationError

from supmessenger_operator.model.base import Model
from supmessenger_operator.model.effective import Effective, compute_effective
from supmessenger_operator.model.guard import check_effective, check_spec
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.part_guard import find_impossible
from supmessenger_operator.model.parts import parse_spec, set_aside
from supmessenger_operator.model.spec import Spec

GROUP = "supmessenger.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SupMessenger"
FIELD_MANAGER = "sup-operator"
PAUSED_ANNOTATION = f"{GROUP}/paused"
DRY_RUN_ANNOTATION = f"{GROUP}/dry-run"
HIBERNATE_ANNOTATION = f"{GROUP}/hibernate"
# Alone for every workload, followed by -COMPONENT for one.
RESTART_ANNOTATION = f"{GROUP}/restart-at"

# The longest object name is NAME-object-storage-setup-<10 characters>, and a Job's name must fit
# a label of 63 characters.
LONGEST_NAME = 26


class Metadata(Model):
    """What a pass needs of the resource's metadata."""

    name: str
    namespace: str
    uid: str
    generation: int = 1
    annotations: Mapping[str, str] = Field(default={})
    deletion_timestamp: str | None = None


class Messenger(Model):
    """One SupMessenger as a person declared it."""

    metadata: Metadata
    spec: Spec
    # By optional part, what of its fields can't work; messaging goes on without it.
    problems: Mapping[str, str] = Field(default={})

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the instance and all its objects."""
        return self.metadata.namespace

    @property
    def is_paused(self) -> bool:
        """Whether a person has asked for no changes."""
        return is_set(self.metadata.annotations, PAUSED_ANNOTATION)

    @property
    def is_hibernated(self) -> bool:
        """Whether a person has asked for sleep: no pods, all data kept."""
        return is_set(self.metadata.annotations, HIBERNATE_ANNOTATION)

    def find_restart(self, component: str) -> str:
        """Return what a person wrote to have the pods of a component replaced, or nothing."""
        names = (RESTART_ANNOTATION, f"{RESTART_ANNOTATION}-{component}")
        asked = (self.metadata.annotations.get(name, "") for name in names)
        return " ".join(value for value in asked if value)

    @cached_property
    def effective(self) -> Effective:
        """The values in force."""
        return compute_effective(self.spec)

    @cached_property
    def bucket_prefix(self) -> str:
        """What bucket names begin with."""
        external = self.spec.object_storage.external
        chosen = external.bucket_prefix if external is not None else ""
        return chosen or f"{self.name.lower()}-"

    def object_name(self, component: str) -> str:
        """Name of this instance's object of a component."""
        return f"{self.name}-{component}"

    @property
    def kafka_address(self) -> str:
        """Where clients in the cluster reach the instance's own Kafka, as host:port."""
        return f"{self.object_name('kafka')}.{self.namespace}.svc:9092"

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    def owner_reference(self) -> dict[str, Any]:
        """Reference that makes this resource the controller of an object."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": self.name,
            "uid": self.metadata.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


def is_set(annotations: Mapping[str, str], name: str) -> bool:
    """Whether a person has set an annotation to anything but false."""
    return annotations.get(name, "false") != "false"


def parse_messenger(body: Mapping[str, Any]) -> Messenger:
    """Parse a resource from the API server; what is wrong names its field path.

    What of an optional part can't work becomes a problem of that part.
    """
    where = "metadata"
    try:
        metadata = Metadata.model_validate(body["metadata"])
        where = "spec"
        spec, unreadable = parse_spec(body.get("spec") or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join((where, *(str(part) for part in first["loc"])))
        raise Stalled(f"{first['msg']}; correct it and apply again", field=path) from error
    impossible = find_impossible(spec)
    if "transcoding" in impossible:
        if not spec.media.transcoding.enabled:
            del impossible["transcoding"]  # nobody misses what is off
        # The worker would refuse to start with it.
        spec, _ = parse_spec(set_aside(body["spec"], "transcoding"))
    return Messenger(metadata=metadata, spec=spec, problems={**impossible, **unreadable})


def check_messenger(messenger: Messenger) -> None:
    """Refuse what of the core can't work and the API server could not know, with the cure."""
    if is_set(messenger.metadata.annotations, DRY_RUN_ANNOTATION):
        # Without effect it would do just what a person meant to avoid.
        raise Stalled(
            "not yet available in this release, so nothing is changed while it is set; remove it,"
            f" or hold changes with the annotation {PAUSED_ANNOTATION}",
            field=f"metadata.annotations[{DRY_RUN_ANNOTATION}]",
            reason="NotYetAvailable",
        )
    check_spec(messenger.spec)
    check_effective(messenger.effective, messenger.spec)
