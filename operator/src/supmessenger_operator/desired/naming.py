"""Names, labels, ownership and hashes: how objects of an instance are told apart."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from supmessenger_operator.model import Inputs, Messenger
from supmessenger_operator.model.messenger import GROUP

SECRETS_ANNOTATION = f"{GROUP}/secrets-hash"
CONFIG_ANNOTATION = f"{GROUP}/config-hash"
RESTARTED_ANNOTATION = f"{GROUP}/restarted-at"


def build_selector(messenger: Messenger, component: str) -> dict[str, str]:
    """Return the labels that select the pods of a component; they never change."""
    return {
        "app.kubernetes.io/name": "sup-messenger",
        "app.kubernetes.io/instance": messenger.name,
        "app.kubernetes.io/component": component,
    }


def build_pod_labels(messenger: Messenger, component: str) -> dict[str, str]:
    """Return the labels of pods; without a version, or each operator upgrade would roll them."""
    return {
        **build_selector(messenger, component),
        "app.kubernetes.io/part-of": "sup-messenger",
        "app.kubernetes.io/managed-by": "sup-operator",
    }


def build_metadata(
    messenger: Messenger,
    inputs: Inputs,
    *,
    component: str,
    name: str = "",
    annotations: Mapping[str, str] | None = None,
    owned: bool = True,
) -> dict[str, Any]:
    """Return the metadata of an object; `owned` is false for data that outlives the resource."""
    metadata: dict[str, Any] = {
        "name": name or messenger.object_name(component),
        "namespace": messenger.namespace,
        "labels": {
            **build_pod_labels(messenger, component),
            "app.kubernetes.io/version": inputs.version,
        },
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    if owned:
        metadata["ownerReferences"] = [messenger.owner_reference()]
    return metadata


def compute_hash(value: Any) -> str:
    """Return ten characters that change with the value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]
