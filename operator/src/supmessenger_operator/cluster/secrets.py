"""Secrets of an instance: made once, adopted when they exist, read when they are referenced."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from supmessenger_operator.cluster.client import ClusterClient, Live
from supmessenger_operator.cluster.errors import AlreadyExists
from supmessenger_operator.model.inputs import SecretFact
from supmessenger_operator.model.messenger import Messenger
from supmessenger_operator.model.observed import (
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
)
from supmessenger_operator.model.outcome import Stalled
from supmessenger_operator.model.scalars import SecretRef

Values = Mapping[str, str]


class InstanceSecrets:
    """The Secrets of one instance during one pass; values never leave `cluster`."""

    def __init__(self, client: ClusterClient, messenger: Messenger) -> None:
        self._client = client
        self._messenger = messenger
        self._live: dict[str, Live] = {}
        self.facts: dict[str, SecretFact] = {}
        self.made: list[str] = []  # names of those that did not exist before this pass
        self.problems: dict[str, str] = {}  # by optional part, why it can't be configured

    async def load(self) -> None:
        """Read all of the instance's Secrets at once."""
        selector = f"{INSTANCE_LABEL}={self._messenger.name},{MANAGED_BY_LABEL}={MANAGED_BY}"
        listed = await self._client.list("Secret", self._messenger.namespace, selector=selector)
        self._live = {secret["metadata"]["name"]: secret for secret in listed}

    async def ensure(
        self, component: str, keys: tuple[str, ...], make: Callable[[], Values]
    ) -> Values:
        """Return the values of a generated Secret, made now if there is none yet.

        An existing one is adopted as it is; one that lacks a key is refused, as nobody but its
        owner can know the value.
        """
        name = self._messenger.object_name(component)
        live = self._live.get(name)
        if live is None:
            live = await self._create(component, make())
        values = decode(live)
        if not (_is_labelled(live) and self._follows_deletion_policy(live)):
            # Whole, with its values: applying less would remove what an earlier apply has set.
            live = await self._client.apply(self._build(component, values, live=live))
        missing = [key for key in keys if key not in values]
        if missing:
            raise Stalled(
                f"the Secret {name} has no key {missing[0]}; add it, or move the Secret away"
                " before the instance is made so that a new one is generated",
                reason="SecretIncomplete",
                is_outside=True,
            )
        self._remember(component, live, values)
        return values

    async def recall(self, component: str) -> Values:
        """Return what the instance's Secret of this name holds; nothing when it is not there."""
        live = await self._find(component)
        return decode(live) if live is not None else {}

    async def keep(self, component: str, values: Values) -> None:
        """Keep a derived Secret equal to these values, which come from another Secret."""
        live = await self._find(component)
        is_kept = (
            live is not None
            and decode(live) == dict(values)
            and _is_labelled(live)
            and self._follows_deletion_policy(live)
        )
        if live is None or not is_kept:
            live = await self._client.apply(self._build(component, values, live=live))
            self._live[live["metadata"]["name"]] = live
        self._remember(component, live, values)

    async def hold(self, component: str, keys: tuple[str, ...]) -> None:
        """Go on with a derived Secret as it was kept last, if it was ever kept whole."""
        live = await self._find(component)
        if live is not None and all(decode(live).get(key) for key in keys):
            self._remember(component, live, decode(live))

    async def read(self, ref: SecretRef, keys: tuple[str, ...], *, field: str) -> Values:
        """Return these keys of a Secret that a person made, or say which is missing."""
        live = await self._client.get("Secret", self._messenger.namespace, ref.name)
        if live is None:
            raise Stalled(
                f"there is no Secret {ref.name} in namespace {self._messenger.namespace};"
                f" create it with {' and '.join(keys) or 'its keys'}",
                field=f"{field}.name",
                reason="SecretMissing",
                is_outside=True,
            )
        values = decode(live)
        for key in keys:
            if not values.get(key):
                raise Stalled(
                    f"the Secret {ref.name} has no key {key}; add it",
                    field=f"{field}.name",
                    reason="SecretIncomplete",
                    is_outside=True,
                )
        return values

    def adopt(self, component: str, ref: SecretRef, values: Values) -> None:
        """Let builders use a person's own Secret where ours would be."""
        self.facts[component] = SecretFact(
            name=ref.name, keys=tuple(sorted(values)), hash=compute_values_hash(values)
        )

    async def _create(self, component: str, values: Values) -> Live:
        body = self._build(component, values)
        name = body["metadata"]["name"]
        try:
            created = await self._client.create(body)
        except AlreadyExists:
            live = await self._client.get("Secret", self._messenger.namespace, name)
            if live is None:
                raise
            return live
        self.made.append(name)
        return created

    def _follows_deletion_policy(self, live: Live) -> bool:
        """Secrets unlock data: they go with the resource only when the data does."""
        owners = live["metadata"].get("ownerReferences") or []
        has_owner = any(owner["uid"] == self._messenger.metadata.uid for owner in owners)
        return has_owner == (self._messenger.spec.deletion_policy == "Delete")

    def _remember(self, component: str, live: Live, values: Values) -> None:
        self.facts[component] = SecretFact(
            name=live["metadata"]["name"],
            keys=tuple(sorted(values)),
            hash=compute_values_hash(values),
        )

    async def _find(self, component: str) -> Live | None:
        """Return a Secret also when it was made by a person, without our labels."""
        name = self._messenger.object_name(component)
        return self._live.get(name) or await self._client.get(
            "Secret", self._messenger.namespace, name
        )

    def _build(self, component: str, values: Values, *, live: Live | None = None) -> dict[str, Any]:
        messenger = self._messenger
        metadata: dict[str, Any] = {
            "name": messenger.object_name(component),
            "namespace": messenger.namespace,
            "labels": {
                "app.kubernetes.io/name": "sup-messenger",
                INSTANCE_LABEL: messenger.name,
                COMPONENT_LABEL: component,
                "app.kubernetes.io/part-of": "sup-messenger",
                MANAGED_BY_LABEL: MANAGED_BY,
            },
        }
        if messenger.spec.deletion_policy == "Delete":
            metadata["ownerReferences"] = [messenger.owner_reference()]
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            # Fixed once a Secret is made, by whomever.
            "type": (live or {}).get("type", "Opaque"),
            "data": {key: encode(value) for key, value in values.items()},
        }


def _is_labelled(live: Live) -> bool:
    return (live["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGED_BY


def encode(value: str) -> str:
    """Return text as a Secret carries it."""
    return base64.b64encode(value.encode()).decode()


def decode(secret: Live) -> dict[str, str]:
    """Return the texts of a Secret; what is no text is left out, as none of our keys is binary."""
    values: dict[str, str] = {}
    for key, data in (secret.get("data") or {}).items():
        try:
            values[key] = base64.b64decode(data).decode()
        except UnicodeDecodeError:
            continue
    return values


def compute_values_hash(values: Values) -> str:
    """Return a hash that tells whether values changed, and nothing about them."""
    digest = hashlib.sha256()
    for key in sorted(values):
        digest.update(f"{len(key)}:{key}{len(values[key])}:{values[key]}".encode())
    return digest.hexdigest()[:16]
