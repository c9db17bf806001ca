"""Live objects, parsed once: is it there, is it ready, whose is it."""

import hashlib
import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from pydantic import BaseModel, ConfigDict

from supmessenger_operator.model.ownership import has_foreign_fields

INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
VERSION_LABEL = "app.kubernetes.io/version"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "sup-operator"

# Written by the API server and by controllers at any time: no drift.
_VOLATILE = frozenset({"resourceVersion", "managedFields", "generation", "creationTimestamp"})


class ObservedObject(BaseModel):
    """What a pass needs to know of a live object."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    component: str
    uid: str
    owner_uid: str
    fingerprint: str
    version: str = ""
    is_ready: bool = True
    is_stuck: bool = False  # it does not get ready by itself: a failed Job, a rollout out of time
    is_rolling: bool = False  # pods are being replaced: what is missing was taken on purpose
    desired: int = 0
    ready: int = 0
    message: str = ""
    addresses: tuple[str, ...] = ()  # of a LoadBalancer: IPv4, then names, then IPv6
    last_success: str = ""  # of a CronJob
    created: str = ""
    owner_kind: str = ""
    is_edited: bool = False  # somebody else owns a part of what is ours to shape

    @property
    def address(self) -> str:
        """The first address of a LoadBalancer; empty without any."""
        return next(iter(self.addresses), "")


def parse_observed(live: Mapping[str, Any]) -> ObservedObject:
    """Parse one live object."""
    metadata = live["metadata"]
    labels = metadata.get("labels") or {}
    owner: Mapping[str, Any] = next(
        (ref for ref in metadata.get("ownerReferences", ()) if ref.get("controller")), {}
    )
    return ObservedObject(
        kind=live["kind"],
        name=metadata["name"],
        component=labels.get(COMPONENT_LABEL, ""),
        version=labels.get(VERSION_LABEL, ""),
        uid=metadata["uid"],
        owner_uid=owner.get("uid", ""),
        owner_kind=owner.get("kind", ""),
        created=metadata.get("creationTimestamp") or "",
        fingerprint=compute_fingerprint(live),
        is_edited=has_foreign_fields(live),
        **_STATES.get(live["kind"], _state_of_nothing)(live),
    )


def compute_fingerprint(live: Mapping[str, Any]) -> str:
    """Return a hash of everything in an object that a person could have edited."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in _VOLATILE}
    kept = {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}
    return compute_hash(kept)


def compute_hash(value: Any) -> str:
    """Return a short stable hash of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _state_of_nothing(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _state_of_deployment(live: Mapping[str, Any]) -> dict[str, Any]:
    status, desired = live.get("status") or {}, live["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    is_seen = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 1)
    # Available pods may be old ones: only when none is unavailable are the new ones among them.
    unavailable = status.get("unavailableReplicas", 0)
    is_ready = is_seen and updated >= desired and available >= desired and not unavailable
    # Old pods that still run beside enough new ones end by themselves: nothing waits for them.
    progressing = _find_condition(status, "Progressing")
    is_stuck = is_seen and not is_ready and progressing.get("reason") == "ProgressDeadlineExceeded"
    return {
        "is_ready": is_ready,
        "is_stuck": is_stuck,
        "is_rolling": not (is_ready or is_stuck)
        and not (is_seen and progressing.get("reason") == "NewReplicaSetAvailable"),
        "desired": desired,
        "ready": min(available, status.get("readyReplicas", 0), desired),
        "message": ""
        if is_ready
        else _message_of_rollout(
            is_seen, updated, max(0, min(available, updated - unavailable)), desired
        ),
    }


def _state_of_stateful_set(live: Mapping[str, Any]) -> dict[str, Any]:
    status, desired = live.get("status") or {}, live["spec"].get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    is_seen = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 1)
    # Without an update under way the controller leaves updateRevision equal to currentRevision.
    is_updating = status.get("updateRevision") != status.get("currentRevision")
    updated = status.get("updatedReplicas", 0) if is_updating else desired
    is_ready = is_seen and updated >= desired and ready >= desired
    return {
        "is_ready": is_ready,
        "is_rolling": not is_ready and (is_updating or not is_seen),
        "desired": desired,
        "ready": min(ready, desired),
        "message": "" if is_ready else _message_of_rollout(is_seen, updated, ready, desired),
    }


def _message_of_rollout(is_seen: bool, updated: int, ready: int, desired: int) -> str:
    if not is_seen:
        return "Kubernetes has not seen the change yet"
    if updated < desired:
        return f"{updated} of {desired} pods updated"
    return f"{ready} of {desired} pods ready"


def _state_of_job(live: Mapping[str, Any]) -> dict[str, Any]:
    status = live.get("status") or {}
    failed = _find_condition(status, "Failed") or _find_condition(status, "FailureTarget")
    is_complete = bool(_find_condition(status, "Complete"))
    return {
        "is_ready": is_complete,
        "is_stuck": bool(failed),
        "desired": 1,
        "ready": int(is_complete),
        "message": failed.get("message", "it failed") if failed else "",
    }


def _state_of_cron_job(live: Mapping[str, Any]) -> dict[str, Any]:
    return {"last_success": (live.get("status") or {}).get("lastSuccessfulTime", "")}


def _state_of_service(live: Mapping[str, Any]) -> dict[str, Any]:
    balancer = (live.get("status") or {}).get("loadBalancer") or {}
    given = (one.get("ip") or one.get("hostname") for one in balancer.get("ingress") or ())
    addresses = sorted((one for one in given if one), key=_rank_address)
    wants = live["spec"].get("type") == "LoadBalancer"
    return {
        "addresses": tuple(addresses),
        "message": "the cluster has given no address yet" if wants and not addresses else "",
    }


def _rank_address(address: str) -> int:
    """Media goes over IPv4, and a name may lead there; among equals the cluster's order stays."""
    try:
        return 0 if ip_address(address).version == 4 else 2
    except ValueError:
        return 1


def _find_condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the condition of this type: for Progressing always, for others when it is true."""
    for condition in status.get("conditions") or ():
        if condition["type"] == kind and (kind == "Progressing" or condition["status"] == "True"):
            found: Mapping[str, Any] = condition
            return found
    return {}


_STATES = {
    "Deployment": _state_of_deployment,
    "StatefulSet": _state_of_stateful_set,
    "Job": _state_of_job,
    "CronJob": _state_of_cron_job,
    "Service": _state_of_service,
}
