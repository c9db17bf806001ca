"""Events for people: what changed, and what they have to do."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.model.messenger import API_VERSION, KIND
from supmessenger_operator.model.outcome import Stalled, Waiting
from supmessenger_operator.model.status import Condition, Status

COMPONENT = "sup-operator"
# The same sentence is not said again within this time.
REPEATED_AFTER = timedelta(minutes=30)
LONGEST_MESSAGE = 1000  # the API server takes 1,024 bytes


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What an Event says."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


class EventRecorder:
    """Writes Events about SupMessengers, each sentence once."""

    def __init__(
        self, client: ClusterClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._clock = clock
        self._said: dict[tuple[str, str, str], datetime] = {}

    async def record(self, body: Mapping[str, Any], happening: Happening) -> None:
        """Write an Event unless the same was said a moment ago."""
        now = self._clock()
        identity = (body["metadata"]["uid"], happening.reason, happening.message)
        said = self._said.get(identity)
        if said is not None and now - said < REPEATED_AFTER:
            return
        self._forget_old(now)
        self._said[identity] = now
        try:
            await self._client.create(_build_event(body, happening, now=now))
        except (Stalled, Waiting):
            # Events are a courtesy: a namespace being deleted or a busy server must not stop work.
            self._said.pop(identity, None)

    def _forget_old(self, now: datetime) -> None:
        self._said = {key: at for key, at in self._said.items() if now - at < REPEATED_AFTER}


def find_transitions(before: Status, after: Status) -> tuple[Happening, ...]:
    """Return what is worth an Event between two statuses."""
    happenings: list[Happening] = []
    for condition in after.conditions:
        known = before.find_condition(condition.type)
        if known is not None and _look(known) == _look(condition):
            continue
        if condition.type in ("Stalled", "Degraded") and condition.status == "True":
            happenings.append(
                Happening(reason=condition.reason, message=condition.message, type="Warning")
            )
        elif condition.type.endswith("Ready") and condition.reason == "NotConfigured":
            happenings.append(
                Happening(reason="NotConfigured", message=condition.message, type="Warning")
            )
        elif condition.type == "Reconciling" and condition.reason == "Paused":
            happenings.append(Happening(reason="Paused", message=condition.message))
        elif condition.type == "Hibernated" and condition.status == "True":
            happenings.append(Happening(reason="Hibernated", message=condition.message))
        elif condition.type == "Ready" and condition.status == "True":
            happenings.append(Happening(reason="Ready", message=condition.message))
        elif condition.type in ("Migrated", "BackupHealthy") and condition.status != "Unknown":
            is_bad = condition.status == "False" and condition.reason != "Running"
            message = condition.message or f"{condition.type}: {condition.reason}"
            happenings.append(
                Happening(
                    reason=f"{condition.type}{condition.reason}",
                    message=message,
                    type="Warning" if is_bad else "Normal",
                )
            )
    return tuple(happenings)


def _look(condition: Condition) -> tuple[str, ...]:
    """What of a condition is news; numbers in a message of Degraded change all the time."""
    look = (condition.status, condition.reason)
    return (*look, condition.message) if condition.type == "Stalled" else look


def _build_event(body: Mapping[str, Any], happening: Happening, *, now: datetime) -> dict[str, Any]:
    metadata, moment = body["metadata"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{secrets.token_hex(8)}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": happening.type,
        "reason": happening.reason,
        "message": happening.message[:LONGEST_MESSAGE],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
