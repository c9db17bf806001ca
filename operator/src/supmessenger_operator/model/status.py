"""The whole of `status`: what people and tools may rely on."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from supmessenger_operator.model.base import Model
from supmessenger_operator.model.effective import Effective

ConditionStatus = Literal["True", "False", "Unknown"]
Phase = Literal[
    "Pending",
    "Installing",
    "Migrating",
    "Ready",
    "Degraded",
    "Stalled",
    "Hibernated",
    "Deleting",
]
ComponentMode = Literal["embedded", "delegated", "external", "disabled", "unavailable"]


class Condition(Model):
    """One observation in the form of Kubernetes' own conditions."""

    type: str = Field(description="What is observed, in CamelCase.", max_length=316)
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(description="One CamelCase word for machines.", max_length=1024)
    message: str = Field(
        default="", description="A sentence that says what to do.", max_length=32768
    )
    observed_generation: int = Field(description="Generation this was observed for.")
    last_transition_time: str = Field(description="When status changed last, RFC 3339.")


class Endpoints(Model):
    """Where the platform is reached."""

    web: str = Field(default="", description="For people.")
    api: str = Field(default="", description="REST.")
    websocket: str = Field(default="", description="Sockets.")
    media: str = Field(default="", description="Files.")
    livekit: str = Field(default="", description="Calls.")
    turn: str = Field(default="", description="Relay.")


class TlsStatus(Model):
    """Whom clients trust."""

    ca_config_map: str = Field(
        default="", description="ConfigMap with the instance's own authority, key ca.crt."
    )


class DnsRecord(Model):
    """A DNS record that shall exist."""

    name: str = Field(description="Name of the record.")
    type: Literal["A", "AAAA", "CNAME"] = Field(description="Type of the record.")
    value: str = Field(description="Value of the record.")
    resolves: bool = Field(default=False, description="Whether it resolves to the value.")


class ComponentStatus(Model):
    """One part of the platform."""

    name: str = Field(description="Name of the part.")
    mode: ComponentMode = Field(description="How it is provided.")
    version: str = Field(default="", description="Version the running part reports.")
    ready: int = Field(default=0, description="Ready pods.")
    desired: int = Field(default=0, description="Wanted pods.")
    message: str = Field(default="", description="What is to be known.")


class BackupStatus(Model):
    """Backups so far."""

    last_success: str = Field(default="", description="Time of the last good backup, RFC 3339.")
    last_drill: str = Field(default="", description="Time of the last good drill, RFC 3339.")
    next: str = Field(default="", description="Schedule of the next backup.")


class Status(Model):
    """What the operator observed in its last pass."""

    observed_generation: int = Field(default=0, description="Generation of the last pass.")
    phase: Phase | None = Field(default=None, description="For people; computed from conditions.")
    version: str = Field(default="", description="Release of the services that runs.")
    schema_version: str = Field(default="", description="Newest migration that was applied.")
    endpoints: Endpoints = Field(default=Endpoints(), description="Where it is reached.")
    tls: TlsStatus = Field(default=TlsStatus(), description="Whom clients trust.")
    dns_records: tuple[DnsRecord, ...] = Field(
        default=(), description="DNS records that shall exist."
    )
    components: tuple[ComponentStatus, ...] = Field(
        default=(), description="Every part, also those that are off or not yet available."
    )
    components_ready: str = Field(default="", description="Ready parts of all, such as 9/10.")
    backup: BackupStatus = Field(default=BackupStatus(), description="Backups so far.")
    effective: Effective | None = Field(default=None, description="What size and defaults came to.")
    message: str = Field(default="", description="The sentence of the most telling condition.")
    conditions: tuple[Condition, ...] = Field(default=(), description="Observations.")

    def find_condition(self, kind: str) -> Condition | None:
        """Return the condition of this type, if there is one."""
        return next((item for item in self.conditions if item.type == kind), None)


def read_status(body: Mapping[str, Any]) -> Status:
    """Return what an earlier pass has written, perhaps one of an older or newer release.

    `effective` is left out: it is computed anew and its fields differ from release to release.
    """
    written = body.get("status") or {}
    return Status.model_validate({key: written[key] for key in written if key != "effective"})
