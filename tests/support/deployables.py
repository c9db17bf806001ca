"""Everything that runs pods, taken out of built objects, for rules that hold for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from support.messengers import make_inputs, make_messenger

from supmessenger_operator.desired import build_objects
from supmessenger_operator.model import DesiredObject, Messenger, parse_messenger
from supmessenger_operator.model.scalars import parse_quantity

SAMPLES = Path(__file__).resolve().parents[2] / "manifests/samples"
_PATCHED_BLOCK = {
    "resources": {"limits": {"memory": "3Gi"}},
    "extraEnv": [{"name": "SUP_LOG_LEVEL", "value": "debug"}],
    "podTemplate": {"spec": {"nodeSelector": {"pool": "chat"}}},
}

# Specs that together reach every branch of the builders.
VARIATIONS: dict[str, dict[str, Any]] = {
    "tiny": {},
    "small": {"size": "small"},
    "medium": {"size": "medium", "deletionPolicy": "Delete"},
    "large": {"size": "large"},
    "plain-http": {"tls": {"disabled": {}}, "exposure": {"type": "ClusterIP"}},
    "push": {
        "push": {
            "fcm": {
                "serviceAccountSecretRef": {"name": "firebase"},
                "endpoint": "http://push-sink:8091",
            },
            "webPush": {"allowedHosts": ["*.push.example.org", "http://push-sink:8090"]},
        },
        "media": {"transcoding": {"concurrency": 2, "maxSourceSize": "1Gi", "maxDuration": "10m"}},
    },
    "mail": {"smtp": {"host": "smtp.example.org", "from": "no-reply@example.org"}},
    "patched": {
        "api": _PATCHED_BLOCK,
        "edge": _PATCHED_BLOCK,
        "postgres": {"embedded": _PATCHED_BLOCK},
        "redis": {"embedded": _PATCHED_BLOCK},
        "images": {"pullSecrets": ["registry"], "pullPolicy": "Always"},
    },
    "autoscaled": {"api": {"autoscaling": {}}, "websocket": {"autoscaling": {"maxReplicas": 5}}},
    "kafka": {"kafka": {"enabled": True, "embedded": {"outsideAddress": "kafka.example.org:9094"}}},
    "kafka-elsewhere": {
        "kafka": {
            "enabled": True,
            "topic": "chat",
            "external": {"bootstrapServers": ["a.example.org:9093", "b.example.org:9094"]},
        }
    },
    "without-backup": {"backup": {"enabled": False}},
}


def make_samples() -> dict[str, Messenger]:
    """Return every variation, the samples of `manifests/` and a name as long as is allowed."""
    messengers = {name: make_messenger(spec=spec) for name, spec in VARIATIONS.items()}
    for path in sorted(SAMPLES.glob("*.yaml")):
        body = yaml.safe_load(path.read_text())
        body["metadata"]["uid"] = "11111111-2222-4333-8444-555555555555"
        messengers[f"sample-{path.stem}"] = parse_messenger(body)
    messengers["long-name"] = make_messenger(name="n" * 30, spec={"size": "medium"})
    return messengers


def build_all(messenger: Messenger, **inputs: Any) -> tuple[DesiredObject, ...]:
    """Build every object of a messenger, none of whose parts is set aside."""
    assert not messenger.problems
    return build_objects(messenger, make_inputs(messenger, **inputs))


def to_plain(built: DesiredObject) -> dict[str, Any]:
    """Return an object as JSON would carry it."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(built.body)))
    return plain


@dataclass(frozen=True)
class Deployable:
    """An object that runs pods."""

    kind: str
    name: str
    component: str
    body: dict[str, Any]
    template: dict[str, Any]

    @property
    def pod(self) -> dict[str, Any]:
        """The pod's spec."""
        spec: dict[str, Any] = self.template["spec"]
        return spec

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All containers, those of the start included."""
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]


def list_deployables(objects: tuple[DesiredObject, ...]) -> list[Deployable]:
    """Return everything among the objects that runs pods."""
    return list(_walk_deployables(objects))


def _walk_deployables(objects: tuple[DesiredObject, ...]) -> Iterator[Deployable]:
    for built in objects:
        body = to_plain(built)
        if built.kind in ("Deployment", "StatefulSet", "Job"):
            template = body["spec"]["template"]
        elif built.kind == "CronJob":
            template = body["spec"]["jobTemplate"]["spec"]["template"]
        else:
            continue
        yield Deployable(built.kind, built.name, built.component, body, template)


def compute_requests(pod: Mapping[str, Any], resource: str) -> Decimal:
    """Return what the scheduler reserves for a pod: the larger of its start and its run."""
    run = sum(
        (parse_quantity(one["resources"]["requests"][resource]) for one in pod["containers"]),
        Decimal(0),
    )
    start = (
        parse_quantity(one["resources"]["requests"][resource])
        for one in pod.get("initContainers", [])
    )
    return max([run, *start])
