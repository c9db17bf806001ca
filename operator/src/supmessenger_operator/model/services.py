"""The platform's own services in the resource: edge, api, websocket, media, worker."""

from typing import Literal

from pydantic import ConfigDict, Field

from supmessenger_operator.model.base import Model, build_rule
from supmessenger_operator.model.scalars import (
    HOST,
    IPV6_HOST,
    PORT,
    URL_PATH,
    URL_QUERY,
    Duration,
    Quantity,
    SecretRef,
    build_duration_rule,
)
from supmessenger_operator.model.workload import WebsocketAutoscaling, Workload


class Drain(Model):
    """How a pod says goodbye."""

    duration: Duration = Field(
        default="60s", description="Time a pod takes to hand over its sockets; default: 60s."
    )


class Websocket(Workload):
    """The socket service."""

    autoscaling: WebsocketAutoscaling | None = Field(
        default=None, description="Let an autoscaler choose the number of pods; default: off."
    )
    drain: Drain = Field(default=Drain(), description="How a pod ends what it began.")


class Transcoding(Model):
    """Conversion of unencrypted videos, by the worker."""

    enabled: bool = Field(
        default=True, description="Convert videos in the background; default: true."
    )
    concurrency: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Videos that one worker pod converts at once; default: 1.",
    )
    max_source_size: Quantity = Field(
        default="512Mi",
        description="Largest video that is converted; twice as much is needed of a worker's"
        " temporary storage for each at once. Default: 512Mi.",
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "quantity(string(self)).compareTo(quantity('1Mi')) >= 0"
                    " && quantity(string(self)).compareTo(quantity('1Ti')) <= 0",
                    "media.transcoding.maxSourceSize must be 1Mi or more and 1Ti at most; to"
                    " convert no videos set media.transcoding.enabled to false",
                )
            ]
        },
    )
    max_duration: Duration = Field(
        default="30m",
        description="Longest video that is converted; default: 30m.",
        json_schema_extra=build_duration_rule(
            least="1s",
            most="10d",
            message="media.transcoding.maxDuration must be 1s or more and 10d at most; to convert"
            " no videos set media.transcoding.enabled to false",
        ),
    )


class Media(Workload):
    """The media service."""

    max_upload_size: Quantity = Field(
        default="2Gi", description="Largest upload in bytes; default: 2Gi."
    )
    transcoding: Transcoding = Field(default=Transcoding(), description="Conversion of media.")


class Worker(Workload):
    """The background worker."""

    concurrency: int = Field(
        default=16, ge=1, le=1000, description="Jobs that one pod runs at once; default: 16."
    )


class Edge(Workload):
    """The nginx in front of everything."""

    worker_connections: int = Field(
        default=4096, ge=64, le=1048576, description="Connections per nginx worker; default: 4096."
    )


class Gateway(Model):
    """A Gateway of the Gateway API that routes to the edge."""

    name: str = Field(description="Name of the Gateway.", min_length=1, max_length=253)
    namespace: str = Field(
        default="", max_length=63, description="Its namespace; default: the resource's own."
    )
    section_name: str = Field(
        default="", max_length=253, description="Listener to attach to; default: every listener."
    )


class Exposure(Model):
    """How the outside reaches the edge."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "(self.type == 'Gateway') == has(self.gateway)",
                    "set exposure.gateway exactly when exposure.type is Gateway",
                ),
                build_rule(
                    "!has(self.ingressClassName) || self.ingressClassName == ''"
                    " || self.type == 'Ingress'",
                    "exposure.ingressClassName needs exposure.type Ingress",
                ),
            ]
        }
    )
    type: Literal["LoadBalancer", "NodePort", "ClusterIP", "Gateway", "Ingress"] = Field(
        default="LoadBalancer", description="Way in from outside; default: LoadBalancer."
    )
    annotations: dict[str, str] = Field(
        default={}, description="Annotations of the Service or route in front; default: none."
    )
    gateway: Gateway | None = Field(
        default=None, description="The Gateway to attach to; default: none."
    )
    ingress_class_name: str = Field(
        default="",
        max_length=253,
        description="Class of the Ingress; default: the cluster's default.",
    )


class Empty(Model):
    """A choice without settings."""


class ExternalAccount(Model):
    """The account that some ACME servers want to know beforehand."""

    key_id: str = Field(description="Id of the key.", min_length=1, max_length=512)
    key_secret_ref: SecretRef = Field(description="Secret with the key hmac-key, base64url.")


class Acme(Model):
    """Certificates from an ACME server."""

    server: str = Field(
        default="https://acme-v02.api.letsencrypt.org/directory",
        pattern=rf"^https://({HOST}|{IPV6_HOST})(:{PORT})?{URL_PATH}{URL_QUERY}$",
        max_length=2048,
        description="Directory URL of the ACME server; default: Let's Encrypt.",
    )
    challenge: Literal["http-01"] = Field(
        default="http-01", description="Kind of proof; default: http-01."
    )
    ca_secret_ref: SecretRef | None = Field(
        default=None,
        description="Secret with the key ca.crt, for a server of your own; default: the system's.",
    )
    external_account: ExternalAccount | None = Field(
        default=None, description="Account made beforehand; default: none."
    )


class IssuerRef(Model):
    """An issuer of cert-manager."""

    name: str = Field(description="Name of the issuer.", min_length=1, max_length=253)
    kind: Literal["Issuer", "ClusterIssuer"] = Field(
        default="Issuer", description="Kind of the issuer; default: Issuer."
    )


class CertManager(Model):
    """Certificates from cert-manager."""

    issuer_ref: IssuerRef = Field(description="The issuer to use.")


class Tls(Model):
    """Where the edge's certificate comes from."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(
                    "[has(self.selfSigned), has(self.disabled), has(self.acme),"
                    " has(self.certManager), has(self.secretRef)].filter(x, x).size() == 1",
                    "set exactly one of selfSigned, disabled, acme, certManager and secretRef",
                )
            ]
        }
    )
    self_signed: Empty | None = Field(
        default=None, description="An authority of the instance's own; this is the default."
    )
    disabled: Empty | None = Field(
        default=None, description="Plain HTTP at the edge, for a proxy in front; default: off."
    )
    acme: Acme | None = Field(default=None, description="An ACME server; default: off.")
    cert_manager: CertManager | None = Field(
        default=None, description="An issuer of cert-manager; default: off."
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="A Secret of type kubernetes.io/tls; default: off."
    )

    @property
    def mode(self) -> Literal["selfSigned", "disabled", "acme", "certManager", "secretRef"]:
        """The chosen key."""
        if self.disabled is not None:
            return "disabled"
        if self.acme is not None:
            return "acme"
        if self.cert_manager is not None:
            return "certManager"
        return "secretRef" if self.secret_ref is not None else "selfSigned"
