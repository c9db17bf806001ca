"""What the platform offers its users and how it is guarded."""

from typing import Annotated, Literal

from pydantic import Field

from supmessenger_operator.model.base import Model
from supmessenger_operator.model.scalars import (
    HOST,
    IPV6_HOST,
    PORT,
    URL_PATH,
    URL_QUERY,
    Duration,
    SecretRef,
    build_duration_rule,
)
from supmessenger_operator.model.workload import DataWorkload


class Images(Model):
    """Where images come from."""

    registry: str = Field(
        default="",
        max_length=255,
        description="Registry that replaces that of every image; default: the operator's choice.",
    )
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="When nodes pull; default: IfNotPresent."
    )
    pull_secrets: tuple[str, ...] = Field(
        default=(), max_length=16, description="Names of image pull Secrets; default: none."
    )
    overrides: dict[str, str] = Field(
        default={},
        description="Whole image references by name: api, websocket, media, worker, postgres,"
        " redis, rabbitmq, minio, nginx, kafka, livekit, coturn, prometheus, postgres-exporter,"
        " redis-exporter, grafana, loki; default: none.",
    )


class Accounts(Model):
    """Who may have an account."""

    registration: Literal["open", "invite", "closed"] = Field(
        default="open", description="Who may register; default: open."
    )


class Smtp(Model):
    """The mail server that sends verification links."""

    host: str = Field(description="Host name or address.", min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65535, description="TCP port; default: 587.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected; default: starttls."
    )
    from_: str = Field(
        alias="from", description="Sender address of emails.", min_length=3, max_length=320
    )
    credentials_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with username and password; default: no login."
    )


# A host over https or everything below one; plain http only for one exact address.
_PUSH_HOST = (
    rf"^((\*\.)?([a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*(:{PORT})?"
    rf"|http://[a-z0-9-]+(\.[a-z0-9-]+)*(:{PORT})?)$"
)
PushHost = Annotated[str, Field(pattern=_PUSH_HOST, max_length=253)]


class Fcm(Model):
    """Push messages to Android."""

    service_account_secret_ref: SecretRef = Field(
        description="Secret with the key service-account.json."
    )
    endpoint: str = Field(
        default="https://fcm.googleapis.com",
        pattern=rf"^https?://[a-z0-9.-]+(:{PORT})?/?$",
        max_length=253,
        description="Where Firebase's API is; plain http only for tests. Default:"
        " https://fcm.googleapis.com.",
    )


class Apns(Model):
    """Push messages to Apple devices."""

    key_secret_ref: SecretRef = Field(description="Secret with the key auth-key.p8.")
    key_id: str = Field(description="Key id of ten characters.", pattern=r"^[A-Z0-9]{10}$")
    team_id: str = Field(description="Team id of ten characters.", pattern=r"^[A-Z0-9]{10}$")
    topic: str = Field(description="Bundle id of the app.", min_length=1, max_length=255)


class WebPush(Model):
    """Push messages to browsers."""

    enabled: bool = Field(default=True, description="Offer web push; default: true.")
    allowed_hosts: tuple[PushHost, ...] = Field(
        default=(),
        max_length=32,
        description="Hosts of push services that browsers may name, such as push.example.org,"
        " *.example.org, or for tests an exact http://host:port; default: those of the known"
        " browsers.",
    )


class Push(Model):
    """Push messages to devices that are not connected."""

    fcm: Fcm | None = Field(default=None, description="Firebase; default: off.")
    apns: Apns | None = Field(default=None, description="Apple; default: off.")
    web_push: WebPush | None = Field(default=None, description="Browsers; default: on.")


class Cors(Model):
    """Which web origins may call the API."""

    allowed_origins: tuple[str, ...] = Field(
        default=(),
        max_length=64,
        description="Origins besides the platform's own, such as https://app.example.org;"
        " default: none.",
    )


class RateLimits(Model):
    """Protection against floods of calls."""

    enabled: bool = Field(default=True, description="Limit calls per client; default: true.")


class NetworkPolicies(Model):
    """Which pods may talk to which."""

    enabled: bool = Field(
        default=True, description="Deny what the architecture does not need; default: true."
    )


class Security(Model):
    """Guards."""

    cors: Cors = Field(default=Cors(), description="Web origins.")
    rate_limits: RateLimits = Field(default=RateLimits(), description="Floods of calls.")
    network_policies: NetworkPolicies = Field(
        default=NetworkPolicies(), description="Flows between pods."
    )


class Credentials(Model):
    """Keys that you bring; what is missing is generated once."""

    jwt_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the key jwt-secret; default: generated."
    )
    session_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the key session-secret; default: generated."
    )
    encryption_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with the key encryption-key; default: generated."
    )


class EmailAlert(Model):
    """Alerts by email."""

    enabled: bool = Field(default=True, description="Send alerts by email; default: true.")
    to: str = Field(default="", max_length=320, description="Receiver; default: adminEmail.")


class WebhookAlert(Model):
    """Alerts by HTTP."""

    url_secret_ref: SecretRef = Field(description="Secret with the key url.")


class Alerts(Model):
    """Where alerts go."""

    email: EmailAlert | None = Field(default=None, description="By email; default: off.")
    webhook: WebhookAlert | None = Field(default=None, description="By HTTP; default: off.")


# It stands in an ini file: no blanks, no signs that begin something there.
_URL_OF_ONE_LINE = rf"^https://({HOST}|{IPV6_HOST})(:{PORT})?(/[!\"&-:<-_a-~]*)?$"


class Oidc(Model):
    """Single sign-on."""

    issuer: str = Field(description="URL of the issuer.", pattern=r"^https://.+", max_length=2048)
    authorization_url: str = Field(
        description="Its authorization_endpoint, as <issuer>/.well-known/openid-configuration"
        " names it.",
        pattern=_URL_OF_ONE_LINE,
        max_length=2048,
    )
    token_url: str = Field(
        description="Its token_endpoint.", pattern=_URL_OF_ONE_LINE, max_length=2048
    )
    user_info_url: str = Field(
        description="Its userinfo_endpoint.", pattern=_URL_OF_ONE_LINE, max_length=2048
    )
    client_secret_ref: SecretRef = Field(description="Secret with client-id and client-secret.")


class Grafana(Model):
    """Dashboards."""

    enabled: bool = Field(default=True, description="Run Grafana; default: true.")
    admin_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with username and password; default: generated."
    )
    oidc: Oidc | None = Field(default=None, description="Single sign-on; default: off.")


class Logs(DataWorkload):
    """Logs of the instance, and the Loki that keeps them."""

    enabled: bool = Field(default=True, description="Keep logs in Loki; default: true.")
    retention: Duration = Field(
        default="7d",
        description="How long logs are kept, 24h or more; default: 7d.",
        json_schema_extra=build_duration_rule(
            least="24h",
            most="3650d",
            message="monitoring.logs.retention must be 24h or more, as logs are deleted by the day,"
            " and 3650d at most; to keep none set monitoring.logs.enabled to false",
        ),
    )


class Tracing(Model):
    """Traces of calls."""

    endpoint: str = Field(
        default="", max_length=2048, description="OTLP endpoint; default: no traces."
    )


class RemoteWrite(Model):
    """A metrics store that is run elsewhere."""

    url: str = Field(
        description="Remote-write URL; a login goes into credentialsSecretRef.",
        pattern=rf"^https?://({HOST}|{IPV6_HOST})(:{PORT})?{URL_PATH}{URL_QUERY}$",
        max_length=2048,
    )
    credentials_secret_ref: SecretRef | None = Field(
        default=None, description="Secret with username and password; default: none."
    )
