"""Evidence of an instance that is well, for tests of the doctor: name only what is not."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from supmessenger_cli.doctor.evidence import Certificate, Connections, Evidence
from supmessenger_cli.doctor.kubelet import Usage
from supmessenger_cli.doctor.strength import compute_strength
from supmessenger_cli.health import parse_health

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Drawn once with `secrets.token_urlsafe(32)`; protects nothing.
RANDOM = "R7p0zQ2mXv9cTt4LhKdW1bYsJ6uEoA8nGfViCq3DxNk"
JWT = RANDOM + "Zw5MhPy7BgSrU2lIaO4jF"
SECRETS = {
    ("postgres", "password"): RANDOM,
    ("redis-cache", "password"): RANDOM,
    ("redis-state", "password"): RANDOM,
    ("rabbitmq", "password"): RANDOM,
    ("credentials", "jwt-secret"): JWT,
    ("credentials", "session-secret"): RANDOM,
    ("credentials", "encryption-key"): RANDOM,
}
PARTS = ("postgres", "redis-cache", "redis-state", "rabbitmq", "api", "edge", "prometheus")


def make_object(kind: str, component: str, **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {
            "name": f"demo-{component}",
            "labels": {"app.kubernetes.io/component": component},
        },
        "spec": {},
        **fields,
    }


def make_pod(component: str, *, limit: str = "128Mi", **status: Any) -> dict[str, Any]:
    container = {"name": component, "resources": {"limits": {"memory": limit}}}
    return make_object(
        "Pod",
        component,
        spec={"nodeName": "one", "containers": [container]},
        status={"phase": "Running", **status},
    )


def make_service(component: str, kind: str, *ports: int) -> dict[str, Any]:
    spec = {
        "type": kind,
        "ports": [{"port": port} for port in ports],
        "selector": {"app.kubernetes.io/component": component},
    }
    return make_object("Service", component, spec=spec)


def make_api(**env: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    container = {"name": "api", "env": variables}
    return make_object(
        "Deployment", "api", spec={"template": {"spec": {"containers": [container]}}}
    )


def make_resource(
    *, spec: dict[str, Any] | None = None, conditions: dict[str, tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Return a SupMessenger; `conditions` maps a type to status and message."""
    told = {
        "Ready": ("True", "well"),
        "BackupHealthy": ("True", "last good backup: today"),
        "PrometheusReady": ("True", "well"),
        "Migrated": ("True", "well"),
        **(conditions or {}),
    }
    return {
        "metadata": {"name": "demo", "namespace": "chat", "generation": 2},
        "spec": {
            "domain": "chat.example.org",
            "tls": {"secretRef": {"name": "mine"}},
            "smtp": {"host": "mail"},
            "push": {"webPush": {"enabled": True}},
            "monitoring": {"alerts": {"email": {"to": "me@example.org"}}},
            **(spec or {}),
        },
        "status": {
            "phase": "Ready",
            "message": "well",
            "components": [{"name": name, "mode": "embedded"} for name in PARTS],
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "reason": "R",
                    "message": message,
                    "observedGeneration": 2,
                }
                for kind, (status, message) in told.items()
            ],
        },
    }


def make_evidence(
    *others: dict[str, Any],
    resource: dict[str, Any] | None = None,
    secrets: dict[tuple[str, str], str] | None = None,
    **changes: Any,
) -> Evidence:
    """Return evidence of an instance that is well, but for what is named."""
    body = resource or make_resource()
    replaced = {(one["kind"], one["metadata"]["name"]) for one in others}
    well = [
        make_api(SUP_RATE_LIMITS_ENABLED="true"),
        make_object("StatefulSet", "redis-cache"),
        make_object("StatefulSet", "redis-state"),
        make_object("StatefulSet", "rabbitmq"),
        make_service("edge", "LoadBalancer", 443),
        make_pod("api"),
        *(
            make_object("NetworkPolicy", name)
            for name in ("default-deny", "api", "redis-cache", "redis-state", "rabbitmq")
        ),
    ]
    kept = [one for one in well if (one["kind"], one["metadata"]["name"]) not in replaced]
    values: dict[str, Any] = {
        "now": NOW,
        "name": "demo",
        "flags": "-n chat",
        "resource": body,
        "health": parse_health(body),
        "objects": copy.deepcopy([*kept, *others]),
        "secrets": {
            place: compute_strength(value) for place, value in (SECRETS | (secrets or {})).items()
        },
        "certificate": Certificate(
            ends=NOW + timedelta(days=60), names=("chat.example.org",), is_served=True
        ),
        "checks": {
            "smtp": {"ok": True, "message": "takes mail"},
            "postgres": {"ok": True, "message": "schema 003", "latencyMs": 3.0},
        },
        "volumes": {"data-demo-postgres-0": Usage(used=10, capacity=100)},
        "disks": {"one": Usage(used=50, capacity=100)},
        "memory": {("demo-api", "api"): 64 * 2**20},
        "sees_kubelets": True,
        "log_rotation": {"containerLogMaxSize": "10Mi", "containerLogMaxFiles": 5},
        "open_doors": {"redis-cache": "NOAUTH …", "redis-state": "NOAUTH …", "rabbitmq": "401"},
        "connections": Connections(used=10, most=200),
    }
    return Evidence(**(values | changes))
