"""Parts of the API that this release accepts and reports, but does not run yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from supmessenger_operator.model.components import OPTIONAL_PARTS, find_field
from supmessenger_operator.model.operations import Monitoring
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """One part that is not delivered yet.

    `is_explicit` says that a person asked for it, `cure` is set where the platform could not run
    without it.
    """

    component: str
    field: str
    is_explicit: bool
    cure: str = ""
    # Set where the operator's catalogue has no image of that name.
    image: str = ""
    # The whole sentence, where it is for another reason.
    why: str = ""

    @property
    def message(self) -> str:
        """The sentence for people."""
        if self.why:
            return self.why
        if self.image:
            return (
                f"not to be had on this cluster: the operator has no image for it; set"
                f" components.{self.image} in the operator chart's values or"
                f" spec.images.overrides.{self.image}"
            )
        text = f"not yet available in this release: {self.field} is accepted and has no effect"
        return f"{text}; {self.cure}" if self.cure else text


# Annotations of the API that a later release gives an effect.
_LATER_ANNOTATIONS = ("rotate",)


def find_unavailable(
    spec: Spec,
    annotations: Mapping[str, str] = MappingProxyType({}),
    *,
    lacking: frozenset[str] = frozenset(),
) -> tuple[Unavailable, ...]:
    """Return every part that is asked for, by default or in so many words, and can't be had."""
    annotated = (
        Unavailable(
            component=name,
            field=f"metadata.annotations[supmessenger.io/{name}]",
            is_explicit=True,
        )
        for name in _LATER_ANNOTATIONS
        if annotations.get(f"supmessenger.io/{name}", "false") != "false"
    )
    return (
        *_find_blocking(spec),
        *_find_optional(spec),
        *_find_lacking(spec, lacking),
        *_find_calls(spec),
        *annotated,
    )


def check_available(spec: Spec) -> None:
    """Refuse a choice without which the platform could not run, naming the way out."""
    for part in _find_blocking(spec):
        raise Stalled(
            f"not yet available in this release; {part.cure}",
            field=part.field,
            reason="NotYetAvailable",
        )


def _find_blocking(spec: Spec) -> Iterator[Unavailable]:
    choices = (
        ("postgres", "spec.postgres.cloudNativePG", spec.postgres.cloud_native_pg),
        ("rabbitmq", "spec.rabbitmq.clusterOperator", spec.rabbitmq.cluster_operator),
    )
    for component, field, choice in choices:
        if choice is not None:
            yield Unavailable(
                component=component,
                field=field,
                is_explicit=True,
                cure="use embedded or external: as the choice is fixed, make the resource anew",
            )
    yield from _find_blocking_externals(spec)
    embedded = spec.object_storage.embedded
    if embedded is not None and embedded.engine == "versity":
        yield Unavailable(
            component="object-storage",
            field="spec.objectStorage.embedded.engine",
            is_explicit=True,
            cure="use minio",
        )
    if spec.tls.mode == "certManager":
        yield Unavailable(
            component="certificates",
            field="spec.tls.certManager",
            is_explicit=True,
            cure="use acme or selfSigned, or secretRef with the Secret that cert-manager writes",
        )
    if spec.exposure.type in ("Gateway", "Ingress"):
        yield Unavailable(
            component="routes",
            field="spec.exposure.type",
            is_explicit=True,
            cure="use LoadBalancer, NodePort or ClusterIP",
        )
    if spec.backup.enabled and spec.backup.destination.s3 is not None:
        yield Unavailable(
            component="backup",
            field="spec.backup.destination.s3",
            is_explicit=True,
            cure="use destination.volume, or set backup.enabled to false",
        )


def _find_blocking_externals(spec: Spec) -> Iterator[Unavailable]:
    """What services can't speak yet: a wish for TLS must never end in plain text unnoticed."""
    choices: list[tuple[str, str, bool, str]] = []
    if spec.redis.external is not None:
        for part in ("cache", "state"):
            address = getattr(spec.redis.external, part)
            field = f"spec.redis.external.{part}"
            use_plain = "use a Redis without TLS within the cluster's own network"
            choices += [
                (f"redis-{part}", f"{field}.tls", address.tls, use_plain),
                (
                    f"redis-{part}",
                    f"{field}.caSecretRef",
                    address.ca_secret_ref is not None,
                    use_plain,
                ),
                (
                    f"redis-{part}",
                    f"{field}.database",
                    address.database != 0,
                    "give cache and state a Redis each and use database 0",
                ),
            ]
    if spec.rabbitmq.external is not None:
        broker, field = spec.rabbitmq.external, "spec.rabbitmq.external"
        use_plain = "use a RabbitMQ without TLS within the cluster's own network"
        choices += [
            ("rabbitmq", f"{field}.tls", broker.tls, use_plain),
            ("rabbitmq", f"{field}.caSecretRef", broker.ca_secret_ref is not None, use_plain),
        ]
    for component, field, is_wanted, cure in choices:
        if is_wanted:
            yield Unavailable(component=component, field=field, is_explicit=True, cure=cure)


def _find_lacking(spec: Spec, lacking: frozenset[str]) -> Iterator[Unavailable]:
    for part in OPTIONAL_PARTS:
        if part.image in lacking and part.is_on(spec) and not part.is_external(spec):
            field = find_field(part.name)
            yield Unavailable(component=part.name, field=field, is_explicit=False, image=part.image)


def _find_calls(spec: Spec) -> Iterator[Unavailable]:
    """Calls that are off for want of a way in, and a relay that would have nothing to relay."""
    if spec.livekit is None and not spec.has_livekit:
        why = (
            f"off by default where exposure.type is {spec.exposure.type}, as media needs a way in"
            " of its own: to offer calls set spec.livekit.embedded.exposure and"
            " spec.turn.exposure"
        )
        yield Unavailable(component="livekit", field="spec.livekit", is_explicit=False, why=why)
    if spec.turn is not None and spec.turn.enabled and not spec.has_turn:
        why = "off, as it relays calls only and spec.livekit is off"
        yield Unavailable(component="turn", field="spec.turn", is_explicit=False, why=why)


def _find_monitoring(monitoring: Monitoring | None) -> Iterator[tuple[str, str, bool, bool]]:
    """What of monitoring has no effect yet: component, field, whether wanted, whether explicit."""
    if monitoring is None or not monitoring.enabled:
        return
    alerts, field = monitoring.alerts, "spec.monitoring"
    has_email = alerts.email is not None and alerts.email.enabled
    has_operator = monitoring.prometheus.operator is not None
    yield "alerts-email", f"{field}.alerts.email", has_email, True
    yield "alerts-webhook", f"{field}.alerts.webhook", alerts.webhook is not None, True
    yield "prometheus-operator", f"{field}.prometheus.operator", has_operator, True
    yield "tracing", f"{field}.tracing", bool(monitoring.tracing.endpoint), True


def _find_optional(spec: Spec) -> Iterator[Unavailable]:
    """Parts the platform runs without; a default alone is reported, but raises no Event."""
    monitoring = spec.monitoring
    wanted = (
        ("kafka", "spec.kafka.strimzi", spec.has_kafka and not spec.sends_events, True),
        *_find_monitoring(monitoring),
        ("push-apns", "spec.push.apns", spec.push is not None and spec.push.apns is not None, True),
        ("restore-drill", "spec.backup.drill", spec.backup.drill is not None, True),
        (
            "backup-before-migration",
            "spec.migrations.backupFirst",
            spec.migrations.backup_first,
            False,
        ),
        (
            "restore-on-failure",
            "spec.migrations.onFailure",
            spec.migrations.on_failure == "RestoreBackup",
            True,
        ),
        *(
            (f"autoscaling-{name}", f"spec.{name}.autoscaling", block.autoscaling is not None, True)
            for name, block in (
                ("edge", spec.edge),
                ("api", spec.api),
                ("websocket", spec.websocket),
                ("media", spec.media),
                ("worker", spec.worker),
            )
        ),
    )
    for component, field, is_wanted, is_explicit in wanted:
        if is_wanted:
            yield Unavailable(component=component, field=field, is_explicit=is_explicit)
