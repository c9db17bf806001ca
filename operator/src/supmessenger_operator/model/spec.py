"""The whole of `spec`: what a person asks for."""

from typing import Literal

from pydantic import ConfigDict, Field

from supmessenger_operator.model.backing import (
    ObjectStorage,
    ObjectStorageEmbedded,
    Postgres,
    PostgresEmbedded,
    Rabbitmq,
    RabbitmqEmbedded,
    Redis,
    RedisEmbedded,
)
from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.features import (
    Accounts,
    Credentials,
    Images,
    Push,
    Security,
    Smtp,
)
from supmessenger_operator.model.operations import Backup, Migrations, Monitoring
from supmessenger_operator.model.realtime import Kafka, Livekit, MediaExposure, Turn
from supmessenger_operator.model.scalars import DOMAIN_PATTERN
from supmessenger_operator.model.services import (
    Edge,
    Empty,
    Exposure,
    Media,
    Tls,
    Websocket,
    Worker,
)
from supmessenger_operator.model.workload import Workload

Size = Literal["tiny", "small", "medium", "large"]


class Spec(Model):
    """What a person asks for; `domain` alone is complete."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "self.domain == oldSelf.domain",
                    "the domain of a live instance can't change, as identities and links carry"
                    " it: make a new SupMessenger with the domain you want and restore a backup"
                    " into it",
                )
            ]
        }
    )
    domain: str = Field(
        description="Domain that people use, fixed once made.",
        pattern=DOMAIN_PATTERN,
        max_length=253,
    )
    admin_email: str = Field(
        default="",
        max_length=320,
        pattern=r"^$|^[^@\s]+@[^@\s]+$",
        description="Receives alerts and is the ACME account; default: none.",
    )
    version: str = Field(
        default="",
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Release of the services, an image tag; default: the operator's own.",
    )
    size: Size = Field(
        default="small",
        description="Moves replicas, resources and volumes together: tiny fits a laptop, small"
        " a small team, medium and large replicate the services; default: small.",
    )
    images: Images = Field(default=Images(), description="Where images come from.")
    exposure: Exposure = Field(default=Exposure(), description="How the outside reaches the edge.")
    tls: Tls = Field(default=Tls(self_signed=Empty()), description="The edge's certificate.")
    edge: Edge = Field(default=Edge(), description="The nginx in front of everything.")
    api: Workload = Field(default=Workload(), description="The REST service.")
    websocket: Websocket = Field(default=Websocket(), description="The socket service.")
    media: Media = Field(default=Media(), description="The media service.")
    worker: Worker = Field(default=Worker(), description="The background worker.")
    postgres: Postgres = Field(
        default=Postgres(embedded=PostgresEmbedded()), description="The database."
    )
    redis: Redis = Field(
        default=Redis(embedded=RedisEmbedded()), description="The cache and the state store."
    )
    rabbitmq: Rabbitmq = Field(
        default=Rabbitmq(embedded=RabbitmqEmbedded()), description="The job queue."
    )
    object_storage: ObjectStorage = Field(
        default=ObjectStorage(embedded=ObjectStorageEmbedded()), description="The store of files."
    )
    kafka: Kafka | None = Field(
        default=None, description="The event log for analytics; default: off."
    )
    livekit: Livekit | None = Field(
        default=None, description="Voice and video rooms; default: on where available."
    )
    turn: Turn | None = Field(
        default=None, description="The relay for callers; default: on where available."
    )
    accounts: Accounts = Field(default=Accounts(), description="Who may have an account.")
    smtp: Smtp | None = Field(
        default=None,
        description="The mail server; default: none, accounts are active without verification.",
    )
    push: Push | None = Field(default=None, description="Push messages; default: none.")
    security: Security = Field(default=Security(), description="Guards.")
    credentials: Credentials = Field(
        default=Credentials(), description="Keys that you bring; default: generated once."
    )
    monitoring: Monitoring | None = Field(
        default=None,
        description="Metrics, dashboards, logs and alerts; default: on where available.",
    )
    backup: Backup = Field(default=Backup(), description="Backups of the database and the files.")
    migrations: Migrations = Field(
        default=Migrations(), description="How the database follows a new release."
    )
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What becomes of volumes and Secrets with the resource; default: Retain.",
    )

    @property
    def has_web_push(self) -> bool:
        """Whether browsers can be woken; by default wherever push is asked for."""
        push = self.push
        return push is not None and (push.web_push is None or push.web_push.enabled)

    @property
    def has_push(self) -> bool:
        """Whether any device can be woken."""
        return self.has_web_push or (self.push is not None and self.push.fcm is not None)

    @property
    def has_kafka(self) -> bool:
        """Whether events go to Kafka."""
        return self.kafka is not None and self.kafka.enabled

    @property
    def sends_events(self) -> bool:
        """Whether events go to Kafka in a way that this release can provide."""
        return self.kafka is not None and self.kafka.enabled and self.kafka.strimzi is None

    @property
    def has_external_kafka(self) -> bool:
        """Whether the Kafka that takes the events is run elsewhere."""
        return self.sends_events and self.kafka is not None and self.kafka.external is not None

    @property
    def has_livekit(self) -> bool:
        """Whether calls are offered; by default where clients can reach a media port."""
        if self.livekit is not None:
            return self.livekit.enabled
        return self.exposure.type not in ("NodePort", "ClusterIP")

    @property
    def has_turn(self) -> bool:
        """Whether callers get a relay: only where there are calls."""
        return self.has_livekit and (self.turn is None or self.turn.enabled)

    @property
    def media_exposures(self) -> dict[str, MediaExposure]:
        """How clients reach the parts of calls that run here, by part."""
        exposures: dict[str, MediaExposure] = {}
        if self.has_livekit and (self.livekit is None or self.livekit.external is None):
            embedded = self.livekit.embedded if self.livekit is not None else None
            exposures["livekit"] = embedded.exposure if embedded is not None else MediaExposure()
        if self.has_turn and (self.turn is None or self.turn.external is None):
            exposures["turn"] = self.turn.exposure if self.turn is not None else MediaExposure()
        return exposures

    @property
    def has_monitoring(self) -> bool:
        """Whether metrics are made and kept anywhere."""
        return self.monitoring is None or self.monitoring.enabled

    @property
    def has_prometheus(self) -> bool:
        """Whether the instance has a Prometheus of its own."""
        if self.monitoring is None:
            return True
        return self.monitoring.enabled and self.monitoring.prometheus.operator is None

    @property
    def has_grafana(self) -> bool:
        """Whether the instance has a Grafana of its own."""
        return self.has_monitoring and (self.monitoring is None or self.monitoring.grafana.enabled)

    @property
    def has_loki(self) -> bool:
        """Whether the instance has a Loki of its own."""
        return self.has_monitoring and (self.monitoring is None or self.monitoring.logs.enabled)
