"""Bad values of fields that only optional parts read, and how each is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SECRET = {"name": "given"}
_TOO_MUCH = {"requests": {"memory": "8Gi"}, "limits": {"memory": "1Gi"}}
_RELABELLED = {"metadata": {"labels": {"app.kubernetes.io/instance": "other"}}}
_NAMELESS = {"spec": {"containers": [{"image": "x"}]}}
_SIGN_ON = {
    "issuer": "https://a.example",
    "authorizationUrl": "https://a.example/a",
    "tokenUrl": "https://a.example/t",
    "userInfoUrl": "https://a.example/u",
    "clientSecretRef": _SECRET,
}


@dataclass(frozen=True, kw_only=True)
class BadField:
    """A spec with one bad value.

    `part` degrades with it; empty where it is the edge's certificate that can't be ordered.
    `admitted` says that the API server has to let it pass, as it can't know.
    """

    field: str
    spec: Mapping[str, Any]
    part: str
    admitted: bool = False

    @property
    def condition(self) -> str:
        """Type of the part's own condition; Degraded for a part without one."""
        has_none = self.part in ("push", "transcoding", "alerts", "tracing")
        return "Degraded" if has_none else f"{self.part.capitalize()}Ready"


def _bad(field: str, value: Any, part: str, *, admitted: bool = False, **beside: Any) -> BadField:
    """Return a spec with this value at a dotted path, and other fields beside it."""
    spec: Any = value
    *folders, last = field.split(".")
    spec = {last: value, **beside}
    for name in reversed(folders):
        spec = {name: spec}
    return BadField(field=f"spec.{field}", spec=spec, part=part, admitted=admitted)


def _kafka(field: str, value: Any, *, admitted: bool = False, **beside: Any) -> BadField:
    made = _bad(f"kafka.{field}", value, "kafka", admitted=admitted, **beside)
    return BadField(
        field=made.field,
        spec={"kafka": {"enabled": True, **made.spec["kafka"]}},
        part="kafka",
        admitted=admitted,
    )


def _block(field: str, part: str) -> tuple[BadField, ...]:
    """Return what can be wrong with the block that every pod offers."""
    make = (
        _kafka if part == "kafka" else lambda path, value, **more: _bad(path, value, part, **more)
    )
    path = field.removeprefix("kafka.") if part == "kafka" else field
    return (
        make(f"{path}.resources.limits.memory", -1),
        make(f"{path}.resources.limits.cpu", "much"),
        make(f"{path}.resources", _TOO_MUCH, admitted=True),
        make(f"{path}.extraEnv", [{"name": "1 A", "value": "x"}]),
        make(f"{path}.podTemplate", {"spec": []}),
        make(f"{path}.podTemplate", {"metadata": "x"}),
        make(f"{path}.podTemplate", {"speck": {}}, admitted=True),
        make(f"{path}.podTemplate", _NAMELESS, admitted=True),
        make(f"{path}.podTemplate", {"spec": {"containers": [{"name": {"a": 1}}]}}, admitted=True),
        make(f"{path}.podTemplate", {"spec": {"volumes": [{"emptyDir": {}}]}}, admitted=True),
        make(f"{path}.podTemplate", {"metadata": {"annotations": 1}}, admitted=True),
        make(f"{path}.podTemplate", _RELABELLED, admitted=True),
    )


def _volume(field: str, part: str) -> tuple[BadField, ...]:
    make = (
        _kafka if part == "kafka" else lambda path, value, **more: _bad(path, value, part, **more)
    )
    path = field.removeprefix("kafka.") if part == "kafka" else field
    return (
        make(f"{path}.storage.size", "big"),
        make(f"{path}.storage.size", 5),
        make(f"{path}.storage.className", "c" * 254),
    )


_LIVEKIT = (
    *_block("livekit.embedded", "livekit"),
    _bad("livekit.embedded.exposure.type", "Maybe", "livekit"),
    _bad("livekit.embedded.exposure.address", "a..b", "livekit"),
    _bad("livekit.embedded.exposure.address", f"{'a' * 64}.example", "livekit"),
    _bad("livekit.embedded.exposure.annotations", {"a": 1}, "livekit"),
    _bad("livekit.external.url", "https://a", "livekit", credentialsSecretRef=_SECRET),
    _bad("livekit.external.url", "wss://a:99999", "livekit", credentialsSecretRef=_SECRET),
    _bad("livekit.external.url", "wss://a/\u00a0b", "livekit", credentialsSecretRef=_SECRET),
    _bad("livekit.external.credentialsSecretRef", {"name": "Not_A"}, "livekit", url="wss://a"),
)
_TURN = (
    *_block("turn", "turn"),
    _bad("turn.relayPorts.min", 80, "turn"),
    _bad("turn.relayPorts.max", 70000, "turn"),
    _bad("turn.exposure.address", "turn.example.org:3478", "turn"),
    _bad("turn.exposure.type", "Gateway", "turn"),
    _bad("turn.external.uris", [], "turn", sharedSecretRef=_SECRET),
    _bad("turn.external.uris", ["turn:a:99999"], "turn", sharedSecretRef=_SECRET),
    _bad("turn.external.sharedSecretRef", {"name": "-"}, "turn", uris=["turn:a"]),
)
_KAFKA = (
    *_block("kafka.embedded", "kafka"),
    *_volume("kafka.embedded", "kafka"),
    _kafka("topic", "my topic"),
    _kafka("embedded.outsideAddress", "a.example:99999"),
    _kafka("external.bootstrapServers", []),
    _kafka("external.bootstrapServers", ["a.example:70000"]),
    _kafka("external.bootstrapServers", ["a.example:0"]),
    _kafka("external.saslMechanism", "GSSAPI", bootstrapServers=["a:9092"]),
    _kafka("strimzi.replicas", 0),
)
_METRICS = (
    *_block("monitoring.prometheus.embedded", "prometheus"),
    *_volume("monitoring.prometheus.embedded", "prometheus"),
    _bad("monitoring.prometheus.embedded.retention", "soon", "prometheus"),
    _bad("monitoring.prometheus.embedded.retention", "10m", "prometheus"),
    _bad("monitoring.prometheus.embedded.retention", "9999d", "prometheus"),
    _bad("monitoring.prometheus.embedded.storage.size", "100Mi", "prometheus"),
    _bad("monitoring.prometheus.external.url", "https://a.example:99999/w", "prometheus"),
    _bad("monitoring.prometheus.external.url", "https://u:pw@a.example/w", "prometheus"),
    _bad("monitoring.prometheus.external.url", "https://a.example/\u2003w", "prometheus"),
    _bad("monitoring.grafana.oidc", {**_SIGN_ON, "tokenUrl": "https://a:99999/t"}, "grafana"),
    _bad("monitoring.grafana.oidc", {**_SIGN_ON, "userInfoUrl": "https://a/;b"}, "grafana"),
    _bad("monitoring.grafana.adminSecretRef", {"name": "a b"}, "grafana"),
    _bad("monitoring.alerts.email.to", "a" * 321, "alerts"),
    _bad("monitoring.alerts.webhook.urlSecretRef", {"name": ""}, "alerts"),
    _bad("monitoring.tracing.endpoint", "a" * 2049, "tracing"),
)
_LOGS = (
    *_block("monitoring.logs", "loki"),
    *_volume("monitoring.logs", "loki"),
    _bad("monitoring.logs.retention", "1h", "loki"),
    _bad("monitoring.logs.retention", "23h59m59s999ms", "loki"),
    _bad("monitoring.logs.retention", "0d", "loki"),
    _bad("monitoring.logs.retention", "99999999999d", "loki"),
)
_MEDIA = (
    _bad("media.transcoding.concurrency", 0, "transcoding"),
    _bad("media.transcoding.maxSourceSize", "lots", "transcoding"),
    _bad("media.transcoding.maxSourceSize", "0", "transcoding"),
    _bad("media.transcoding.maxSourceSize", 0, "transcoding"),
    _bad("media.transcoding.maxSourceSize", -1, "transcoding"),
    _bad("media.transcoding.maxSourceSize", "500m", "transcoding"),
    _bad("media.transcoding.maxSourceSize", "2Ei", "transcoding"),
    _bad("media.transcoding.maxDuration", "0s", "transcoding"),
    _bad("media.transcoding.maxDuration", "999ms", "transcoding"),
    _bad("media.transcoding.maxDuration", "400d", "transcoding"),
    _bad("push.fcm.endpoint", "ftp://a", "push", serviceAccountSecretRef=_SECRET),
    _bad("push.fcm.endpoint", "https://a:99999", "push", serviceAccountSecretRef=_SECRET),
    _bad("push.webPush.allowedHosts", ["a.example:99999"], "push"),
    _bad("push.webPush.allowedHosts", ["*"], "push"),
    _bad("push.apns.keyId", "short", "push", keySecretRef=_SECRET, teamId="A" * 10, topic="a"),
)
# The edge's certificate is the core's: a good one serves on (`test_bad_acme_fields.py`).
_ACME = (
    _bad("tls.acme.server", "http://a.example/directory", ""),
    _bad("tls.acme.server", "https://a.example:99999/directory", ""),
    _bad("tls.acme.server", "https://a b/directory", ""),
    _bad("tls.acme.challenge", "dns-01", ""),
    _bad("tls.acme.caSecretRef", {"name": "A"}, ""),
    _bad("tls.acme.externalAccount.keyId", "", "", keySecretRef=_SECRET),
)

BAD_FIELDS = (*_LIVEKIT, *_TURN, *_KAFKA, *_METRICS, *_LOGS, *_MEDIA, *_ACME)
# What only the API server's rules know of, as the part itself works with it or tells it later.
RULED_OUT = (_kafka("topic", ".."), _kafka("topic", "."))
# Good ones next to bad ones.
GOOD_SPECS: tuple[Mapping[str, Any], ...] = (
    {"monitoring": {"logs": {"retention": "24h"}}},
    {"monitoring": {"logs": {"retention": "1d12h30m15s500ms"}}},
    {"monitoring": {"logs": {"retention": "86400s"}}},
    {"monitoring": {"prometheus": {"embedded": {"retention": "60m", "storage": {"size": "1Gi"}}}}},
    {"monitoring": {"prometheus": {"embedded": {"retention": "3650d"}}}},
    {"media": {"transcoding": {"maxSourceSize": 1048576, "maxDuration": "1s"}}},
    {"media": {"transcoding": {"maxSourceSize": "1.5Gi", "maxDuration": "10d"}}},
    {"kafka": {"enabled": True, "topic": "a.b"}},
    {"turn": {"exposure": {"address": "198.51.100.7"}}},
    {"livekit": {"external": {"url": "wss://a.example:443/x", "credentialsSecretRef": _SECRET}}},
    {"tls": {"acme": {"server": "https://[2001:db8::1]:14000/dir?x=1"}}},
    {"turn": {"podTemplate": {"spec": {"nodeSelector": {"pool": "calls"}}}}},
)
