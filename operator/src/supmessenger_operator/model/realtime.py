"""Calls and the event log in the resource: LiveKit, TURN, Kafka."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.scalars import HOST, IPV6_HOST, PORT, URL_PATH, SecretRef
from supmessenger_operator.model.unions import build_choice_rules
from supmessenger_operator.model.workload import DataWorkload, PodBlock, Storage

# A broker's address: a name or IPv4 address, or an IPv6 address in brackets, and a port.
_ADDRESS = rf"([A-Za-z0-9._-]+|{IPV6_HOST}):{PORT}"
Address = Annotated[str, Field(pattern=f"^{_ADDRESS}$", max_length=300)]
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
TurnUri = Annotated[
    str,
    Field(pattern=rf"^turns?:{HOST}(:{PORT})?(\?transport=(udp|tcp))?$", max_length=300),
]


class KafkaEmbedded(DataWorkload):
    """One Kafka node in KRaft mode."""

    outside_address: str = Field(
        default="localhost:9094",
        pattern=f"^{_ADDRESS}$",
        max_length=300,
        description="Address, as host:port, under which clients outside the cluster reach port"
        " 9094; when it is set, the network policy lets them in; default: localhost:9094, for"
        " kubectl port-forward.",
    )

    @property
    def is_open_to_outside(self) -> bool:
        """Whether clients outside the cluster connect without a port-forward."""
        return not self.outside_address.startswith("localhost:")


class Strimzi(Model):
    """A Kafka and KafkaNodePool of Strimzi."""

    replicas: int = Field(default=3, ge=1, le=9, description="Number of brokers; default: 3.")
    storage: Storage = Field(default=Storage(), description="Volume of each broker.")


class KafkaExternal(Model):
    """Kafka that is run elsewhere."""

    bootstrap_servers: tuple[Address, ...] = Field(
        min_length=1, max_length=16, description="Addresses as host:port."
    )
    tls: bool = Field(
        default=False, description="Speak TLS; caSecretRef implies it; default: false."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="How to log in, when there are credentials; default: PLAIN."
    )
    credentials_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with username and password; default: none."
    )
    ca_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the authority, key ca.crt; default: the system's."
    )

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls or self.ca_secret_ref is not None


class Kafka(Model):
    """The event log for analytics."""

    model_config = build_choice_rules("embedded", "strimzi", "external")
    enabled: bool = Field(default=False, description="Publish events to Kafka; default: false.")
    topic: str = Field(
        default="sup.messages",
        pattern=r"^[A-Za-z0-9._-]+$",
        max_length=249,
        description="Topic of the events; default: sup.messages.",
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "self != '.' && self != '..'",
                    "kafka.topic must not be . or .., which Kafka refuses; use sup.messages",
                )
            ]
        },
    )
    embedded: KafkaEmbedded | None = Field(
        default=None, description="One node of our own; the default when enabled."
    )
    strimzi: Strimzi | None = Field(default=None, description="Objects of Strimzi; default: off.")
    external: KafkaExternal | None = Field(
        default=None, description="Kafka that is run elsewhere; default: off."
    )


class MediaExposure(Model):
    """How clients reach the media ports of calls, which no HTTP proxy can carry."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = Field(
        default="LoadBalancer",
        description="Type of the Service; the last two need address; default: LoadBalancer.",
    )
    annotations: dict[str, str] = Field(
        default={}, description="Annotations of the Service; default: none."
    )
    address: str = Field(
        default="",
        max_length=253,
        pattern=rf"^$|^{_LABEL}(\.{_LABEL})*$",
        description="IPv4 address or name at which clients reach these ports; default: that of the"
        " Service, which is followed when it changes.",
    )


class LivekitEmbedded(PodBlock):
    """One LiveKit server."""

    exposure: MediaExposure = Field(
        default=MediaExposure(), description="How clients reach its media ports."
    )


class LivekitExternal(Model):
    """LiveKit that is run elsewhere."""

    url: str = Field(
        description="URL of the server.",
        pattern=rf"^wss?://{HOST}(:{PORT})?{URL_PATH}$",
        max_length=2048,
    )
    credentials_secret_ref: SecretRef = Field(description="Secret with api-key and api-secret.")


class Livekit(Model):
    """Voice and video rooms."""

    model_config = build_choice_rules("embedded", "external")
    enabled: bool = Field(default=True, description="Offer calls; default: true.")
    embedded: LivekitEmbedded | None = Field(
        default=None, description="One server of our own; the default when enabled."
    )
    external: LivekitExternal | None = Field(
        default=None, description="LiveKit that is run elsewhere; default: off."
    )


class RelayPorts(Model):
    """The UDP ports that relay media."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule("self.min <= self.max", "relayPorts.min must not be above max"),
                build_rule(
                    "self.max - self.min < 500",
                    "each relay port is a port of the Service: name at most 500",
                ),
                build_rule(
                    "![3478, 5349, 9641].exists(p, self.min <= p && p <= self.max)",
                    "relayPorts must leave out 3478, 5349 and 9641, on which the relay listens",
                ),
            ]
        }
    )
    min: int = Field(default=49152, ge=1024, le=65535, description="First port; default: 49152.")
    max: int = Field(default=49200, ge=1024, le=65535, description="Last port; default: 49200.")


class TurnExternal(Model):
    """TURN servers that are run elsewhere."""

    uris: tuple[TurnUri, ...] = Field(
        min_length=1, max_length=16, description="TURN URIs, such as turns:turn.example.org."
    )
    shared_secret_ref: SecretRef = Field(description="Secret with the key shared-secret.")


class Turn(PodBlock):
    """The relay for callers behind strict firewalls."""

    enabled: bool = Field(default=True, description="Run a TURN relay; default: true.")
    relay_ports: RelayPorts = Field(default=RelayPorts(), description="The UDP ports that relay.")
    exposure: MediaExposure = Field(
        default=MediaExposure(), description="How clients reach the relay."
    )
    external: TurnExternal | None = Field(
        default=None, description="TURN servers that are run elsewhere; default: off."
    )
