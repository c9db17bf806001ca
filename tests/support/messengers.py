"""Resources and inputs for tests: say what matters, the rest is complete."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from supmessenger_operator.model import Inputs, Messenger, SecretFact, parse_messenger
from supmessenger_operator.model.images import IMAGE_NAMES
from supmessenger_operator.model.inputs import PublicAddress

_CONNECTION = ("type", "host", "port", "password")
_S3 = ("type", "endpoint", "region", "access-key-id", "secret-access-key")
_POSTGRES = (*_CONNECTION, "provider", "database", "username", "sslmode")

# The keys of every Secret, as docs/contracts.md has them.
SECRET_KEYS: dict[str, tuple[str, ...]] = {
    "postgres": _POSTGRES,
    "postgres-owner": _POSTGRES,
    "postgres-roles": ("postgres", "sup_owner", "sup_user", "sup_user_b", "sup_monitor"),
    "postgres-monitor": _POSTGRES,
    "redis-cache": _CONNECTION,
    "redis-state": _CONNECTION,
    "rabbitmq": (*_CONNECTION, "username", "vhost"),
    "rabbitmq-admin": ("username", "password", "erlang-cookie", "sup", "sup_b"),
    "object-storage-root": (*_S3, "provider"),
    "object-storage-media": (*_S3, "bucket-prefix"),
    "object-storage-worker": (*_S3, "bucket-prefix"),
    "object-storage-backup": (*_S3, "bucket-prefix"),
    "credentials": ("jwt-secret", "session-secret", "encryption-key"),
    "tls": ("tls.crt", "tls.key", "ca.crt"),
    "redis-monitor": ("passwords.json",),
    "redis-users": ("redis-cache", "redis-state"),
    "remote-write": ("username", "password"),
    "grafana": ("username", "password", "secret-key", "client-id", "client-secret"),
    "smtp": (*_CONNECTION, "security", "from", "username"),
    "web-push": ("type", "private-key", "public-key", "subject"),
    "web-push-public": ("type", "public-key"),
    "fcm": ("type", "service-account.json", "endpoint"),
    "livekit": ("type", "provider", "url", "public-url", "api-key", "api-secret"),
    "turn": ("type", "provider", "shared-secret"),
    "kafka": ("type", "bootstrap-servers", "security-protocol", "username", "password"),
}


def make_messenger(
    *, name: str = "demo", namespace: str = "chat", spec: Mapping[str, Any] | None = None
) -> Messenger:
    """Return a resource; `domain` and `size: tiny` unless the spec says otherwise."""
    return parse_messenger(
        {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": "11111111-2222-4333-8444-555555555555",
                "generation": 1,
            },
            "spec": {"domain": "chat.example.org", "size": "tiny", **(spec or {})},
        }
    )


def make_inputs(
    messenger: Messenger, *, changed: tuple[str, ...] = (), images: Mapping[str, str] | None = None
) -> Inputs:
    """Return the facts of a pass; the Secrets in `changed` have another content."""
    spec = messenger.spec
    monitoring = spec.monitoring
    remote = monitoring.prometheus.external if monitoring is not None else None
    absent = {
        "redis-monitor": not spec.has_prometheus,
        "redis-users": spec.redis.external is not None,
        "remote-write": remote is None or remote.credentials_secret_ref is None,
        "grafana": not spec.has_grafana,
        "smtp": spec.smtp is None,
        "web-push": not spec.has_web_push,
        "web-push-public": not spec.has_web_push,
        "fcm": spec.push is None or spec.push.fcm is None,
        "tls": spec.tls.mode == "disabled",
        "postgres-roles": spec.postgres.embedded is None,
        "rabbitmq-admin": spec.rabbitmq.embedded is None,
        "object-storage-root": spec.object_storage.embedded is None,
        "livekit": not spec.has_livekit,
        "turn": not spec.has_turn,
        "kafka": not spec.sends_events,
    }
    exposures = spec.media_exposures
    return Inputs(
        version="0.1.0",
        images={
            **{name: f"registry.example.org/{name}:1.0" for name in IMAGE_NAMES},
            **(images or {}),
        },
        secrets={
            secret: SecretFact(
                name=messenger.object_name(secret),
                keys=keys,
                hash=_hash(f"{messenger.name}/{secret}{'/changed' if secret in changed else ''}"),
            )
            for secret, keys in SECRET_KEYS.items()
            if not absent.get(secret, False)
        },
        livekit_address=_make_address("198.51.100.11", "livekit" in exposures),
        turn_address=_make_address("198.51.100.12", "turn" in exposures),
        bucket_prefix=messenger.bucket_prefix,
    )


def _make_address(ip: str, is_exposed: bool) -> PublicAddress:
    return PublicAddress(host=ip, ip=ip) if is_exposed else PublicAddress()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
