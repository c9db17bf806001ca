"""NetworkPolicies: nothing may talk to anything, except what the architecture needs."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from supmessenger_operator.desired import (
    backup,
    edge,
    exporters,
    grafana,
    kafka,
    livekit,
    loki,
    object_storage,
    postgres,
    prometheus,
    pushes,
    rabbitmq,
    redis,
    turn,
    worker,
)
from supmessenger_operator.desired.call_flows import list_media_egress, list_media_ingress
from supmessenger_operator.desired.flows import (
    BROKER_USERS,
    COMPONENTS,
    DATABASE_USERS,
    FLOWS,
    OBJECT_USERS,
    REDIS_USERS,
)
from supmessenger_operator.desired.kinds import Kinds
from supmessenger_operator.desired.naming import build_selector
from supmessenger_operator.desired.scraping import NODE_EXPORTER_PORT
from supmessenger_operator.model import DesiredObject, Inputs, Messenger, Wave

COMPONENT = "policies"


def build_objects(messenger: Messenger, inputs: Inputs) -> tuple[DesiredObject, ...]:
    """Return one policy that denies all and one for each component, or nothing when off."""
    if not messenger.spec.security.network_policies.enabled:
        return ()
    kinds = Kinds(messenger=messenger, inputs=inputs, component=COMPONENT, wave=Wave.CONFIGURATION)
    absent = _list_absent(messenger)
    return (
        _build_default_deny(kinds),
        *(_build_policy(kinds, component) for component in COMPONENTS if component not in absent),
    )


def _build_default_deny(kinds: Kinds) -> DesiredObject:
    everyone = build_selector(kinds.messenger, COMPONENT)
    del everyone["app.kubernetes.io/component"]
    return _build(
        kinds,
        name=kinds.messenger.object_name("default-deny"),
        pods=everyone,
        ingress=[],
        egress=[_build_dns_rule()],
    )


def _build_policy(kinds: Kinds, component: str) -> DesiredObject:
    messenger = kinds.messenger
    return _build(
        kinds,
        name=messenger.object_name(component),
        pods=build_selector(messenger, component),
        ingress=[
            *_build_ingress(messenger, component),
            *_build_outer_ingress(kinds, component),
            *list_media_ingress(messenger, component),
        ],
        egress=[
            *_build_egress(messenger, component),
            *_build_outer_egress(messenger, component),
            *list_media_egress(messenger, kinds.inputs, component),
        ],
    )


def _build_ingress(messenger: Messenger, component: str) -> list[dict[str, Any]]:
    absent = _list_absent(messenger)
    return [
        {
            "from": [
                _build_peer(messenger, source) for source in flow.sources if source not in absent
            ],
            "ports": [_build_port(flow.port, flow.protocol)],
        }
        for flow in FLOWS
        if flow.target == component
    ]


def _build_egress(messenger: Messenger, component: str) -> list[dict[str, Any]]:
    absent = _list_absent(messenger)
    return [
        {
            "to": [_build_peer(messenger, flow.target)],
            "ports": [_build_port(flow.port, flow.protocol)],
        }
        for flow in FLOWS
        if component in flow.sources and flow.target not in absent
    ]


def _build_outer_ingress(kinds: Kinds, component: str) -> list[dict[str, Any]]:
    """Flows that begin outside the instance: people at the edge, the operator at the worker."""
    if component == edge.COMPONENT:
        return [{"ports": [_build_port(edge.HTTP_PORT), _build_port(edge.HTTPS_PORT)]}]
    if component == worker.COMPONENT:
        return [_build_rule_from(kinds.inputs.operator_namespace, port=worker.PORT)]
    if component == kafka.COMPONENT and _is_kafka_open(kinds.messenger):
        return [{"ports": [_build_port(kafka.OUTSIDE_PORT)]}]
    if component == loki.COMPONENT:
        return [_build_rule_from(kinds.inputs.agents_namespace, port=loki.PORT)]
    return []


def _is_kafka_open(messenger: Messenger) -> bool:
    chosen = messenger.spec.kafka
    embedded = chosen.embedded if chosen is not None else None
    return embedded is not None and embedded.is_open_to_outside


def _build_rule_from(namespace: str, *, port: int) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": namespace}
    return {
        "from": [{"namespaceSelector": {"matchLabels": labels}}],
        "ports": [_build_port(port)],
    }


def _build_outer_egress(messenger: Messenger, component: str) -> list[dict[str, Any]]:
    """Flows that end outside: a policy can't know names, so only their ports are said."""
    ports = {port for port, sources in _list_outer_ports(messenger) if component in sources}
    return [{"ports": [_build_port(port)]} for port in sorted(ports)]


def _list_outer_ports(messenger: Messenger) -> tuple[tuple[int, tuple[str, ...]], ...]:
    spec = messenger.spec
    ports: list[tuple[int, tuple[str, ...]]] = []
    if spec.postgres.external is not None:
        ports.append((spec.postgres.external.port, DATABASE_USERS))
    if spec.redis.external is not None:
        ports.append((spec.redis.external.cache.port, REDIS_USERS))
        ports.append((spec.redis.external.state.port, (*REDIS_USERS, livekit.COMPONENT)))
    if spec.rabbitmq.external is not None:
        ports.append((spec.rabbitmq.external.port, BROKER_USERS))
    if spec.object_storage.external is not None:
        ports.append((_parse_port(spec.object_storage.external.endpoint), OBJECT_USERS))
    if spec.kafka is not None and spec.kafka.external is not None and spec.sends_events:
        servers = spec.kafka.external.bootstrap_servers
        ports += [(int(one.rpartition(":")[2]), (worker.COMPONENT,)) for one in servers]
    if spec.smtp is not None:
        ports.append((spec.smtp.port, (worker.COMPONENT,)))
    ports += [(port, (worker.COMPONENT,)) for port in pushes.list_outer_ports(messenger)]
    if spec.has_prometheus:
        # Where it finds the pods (the API server, whose port differs), and the node agents.
        asked = (443, 6443, NODE_EXPORTER_PORT, *_list_remote_ports(messenger))
        ports += [(port, (prometheus.COMPONENT,)) for port in asked]
    ports += [(port, (grafana.COMPONENT,)) for port in _list_sign_on_ports(messenger)]
    return tuple(ports)


def _list_sign_on_ports(messenger: Messenger) -> tuple[int, ...]:
    """Where Grafana itself asks who somebody is; the browser goes to the third address."""
    oidc = grafana.get_oidc(messenger) if messenger.spec.has_grafana else None
    return () if oidc is None else (_parse_port(oidc.token_url), _parse_port(oidc.user_info_url))


def _list_remote_ports(messenger: Messenger) -> tuple[int, ...]:
    monitoring = messenger.spec.monitoring
    external = monitoring.prometheus.external if monitoring is not None else None
    return (_parse_port(external.url),) if external is not None else ()


def _parse_port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _list_absent(messenger: Messenger) -> frozenset[str]:
    spec = messenger.spec
    present: Mapping[str, bool] = {
        postgres.COMPONENT: spec.postgres.embedded is not None,
        redis.CACHE: spec.redis.embedded is not None,
        redis.STATE: spec.redis.embedded is not None,
        rabbitmq.COMPONENT: spec.rabbitmq.embedded is not None,
        kafka.COMPONENT: spec.sends_events and not spec.has_external_kafka,
        object_storage.COMPONENT: spec.object_storage.embedded is not None,
        object_storage.SETUP: spec.object_storage.embedded is not None,
        backup.COMPONENT: spec.backup.enabled,
        loki.COMPONENT: spec.has_loki,
        "grafana": spec.has_grafana,
        "prometheus": spec.has_prometheus,
        exporters.COMPONENT: spec.has_prometheus,
        livekit.COMPONENT: "livekit" in spec.media_exposures,
        turn.COMPONENT: "turn" in spec.media_exposures,
    }
    return frozenset(component for component, is_present in present.items() if not is_present)


def _build_peer(messenger: Messenger, component: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": build_selector(messenger, component)}}


def _build_port(port: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"port": port, "protocol": protocol}


def _build_dns_rule() -> dict[str, Any]:
    # Where a cluster's name server lives differs (pods, node-local caches, other namespaces).
    return {"ports": [_build_port(53, "UDP"), _build_port(53)]}


def _build(
    kinds: Kinds,
    *,
    name: str,
    pods: Mapping[str, str],
    ingress: list[dict[str, Any]],
    egress: list[dict[str, Any]],
) -> DesiredObject:
    return kinds.build(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": kinds.build_metadata(name=name),
            "spec": {
                "podSelector": {"matchLabels": dict(pods)},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": ingress,
                "egress": egress,
            },
        }
    )
