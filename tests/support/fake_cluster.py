"""An in-memory API server behind the operator's narrow protocol; one contract suite holds both."""

import copy
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from supmessenger_operator.cluster.errors import AlreadyExists, Conflict
from supmessenger_operator.cluster.kinds import KINDS
from supmessenger_operator.model.outcome import Stalled, Waiting
from supmessenger_operator.model.ownership import has_foreign_fields

Live = dict[str, Any]
Objects = list[Live]  # inside the class `list` is a method
Identity = tuple[str, str, str]  # kind, namespace, name


class FakeCluster:
    """Server-side apply with one field manager, versions, generations and owner references.

    `writes` counts what changed something; `refused` maps kind and name to a message, as the API
    server's validation would; `is_down` makes every call wait, as an API server that is away.
    """

    def __init__(self) -> None:
        self.objects: dict[Identity, Live] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.refused: dict[tuple[str, str], str] = {}
        self.is_down = False
        self._applied: dict[Identity, Mapping[str, Any]] = {}
        self._version = 0

    async def get(self, kind: str, namespace: str, name: str) -> Live | None:
        """Return one object, or None when there is none."""
        self._require_up()
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    async def list(self, kind: str, namespace: str, *, selector: str = "") -> Objects:
        """Return the objects of a kind whose labels match; all namespaces when it is empty."""
        self._require_up()
        wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
        return [
            copy.deepcopy(live)
            for (one_kind, one_namespace, _), live in sorted(self.objects.items())
            if one_kind == kind
            and namespace in ("", one_namespace)
            and wanted.items() <= (live["metadata"].get("labels") or {}).items()
        ]

    async def apply(self, body: Mapping[str, Any], *, dry_run: bool = False) -> Live:
        """Apply a whole object: set what is given, remove what we gave before and no longer do."""
        self._require_up()
        self._require_sound(body)
        identity = _identity(body)
        self._require_role(body)
        before = self.objects.get(identity)
        merged = copy.deepcopy(before) if before is not None else {}
        _remove(merged, self._applied.get(identity, {}), body)
        _merge(merged, body)
        if dry_run:
            return merged
        self._applied[identity] = copy.deepcopy(dict(body))
        return self._store("apply", identity, merged)

    async def create(self, body: Mapping[str, Any]) -> Live:
        """Create an object once; raises `AlreadyExists`."""
        self._require_up()
        self._require_sound(body)
        identity = _identity(body)
        if identity in self.objects:
            raise AlreadyExists(identity[2])
        return self._store("create", identity, copy.deepcopy(dict(body)))

    async def replace(self, body: Mapping[str, Any]) -> Live:
        """Replace an object at the resourceVersion it carries; raises `Conflict`."""
        self._require_up()
        identity = _identity(body)
        live = self.objects.get(identity)
        version = body["metadata"].get("resourceVersion")
        if live is None or live["metadata"]["resourceVersion"] != version:
            raise Conflict(identity[2])
        return self._store("replace", identity, copy.deepcopy(dict(body)))

    async def take_over(self, kind: str, namespace: str, name: str) -> None:
        """Become the owner of what others wrote into our fields; the next apply removes it."""
        self._require_up()
        live = self.objects[(kind, namespace, name)]
        if has_foreign_fields(live):
            ours: dict[str, Any] = {
                part: copy.deepcopy(live[part]) for part in ("spec", "data") if part in live
            }
            self._applied[(kind, namespace, name)] = ours
            live["metadata"].pop("managedFields")

    async def patch_status(self, body: Mapping[str, Any]) -> Live:
        """Apply the status of a SupMessenger."""
        self._require_up()
        identity = _identity(body)
        live = self.objects.get(identity)
        if live is None or live["metadata"]["uid"] != body["metadata"].get(
            "uid", live["metadata"]["uid"]
        ):
            raise Waiting(f"{identity[2]} is not there", reason="Api")
        changed = {**copy.deepcopy(live), "status": copy.deepcopy(body["status"])}
        return self._store("status", identity, changed)

    async def delete(
        self, kind: str, namespace: str, name: str, *, uid: str, orphan: bool = False
    ) -> None:
        """Delete the object with this uid and what it owns; gone already is fine."""
        self._require_up()
        identity = (kind, namespace, name)
        live = self.objects.get(identity)
        if live is None or live["metadata"]["uid"] != uid:
            return
        if orphan:
            self.objects.pop(identity)
            self._applied.pop(identity, None)
        else:
            self.remove(*identity)
        self.writes.append(("delete", kind, name))

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Take an object away, as a person with kubectl would; what it owns goes with it."""
        identity = (kind, namespace, name)
        live = self.objects.pop(identity)
        self._applied.pop(identity, None)
        for other, body in list(self.objects.items()):
            owners = body["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == live["metadata"]["uid"] for owner in owners):
                self.remove(*other)

    def edit(self, kind: str, namespace: str, name: str, **parts: Any) -> None:
        """Change parts of an object, as a person with kubectl would."""
        identity = (kind, namespace, name)
        live = copy.deepcopy(self.objects[identity])
        _merge(live, parts)
        owned: dict[str, Any] = {
            f"f:{part}": {"f:any": {}} for part in parts if part in ("spec", "data")
        }
        if owned:
            entry = {"manager": "kubectl", "operation": "Update", "fieldsV1": owned}
            live["metadata"]["managedFields"] = [entry]
        self._store("edit", identity, live)

    def find(self, kind: str) -> Objects:
        """Return all objects of a kind."""
        return [live for (one, _, _), live in self.objects.items() if one == kind]

    def names(self, kind: str) -> set[str]:
        """Return the names of all objects of a kind."""
        return {live["metadata"]["name"] for live in self.find(kind)}

    def _store(self, verb: str, identity: Identity, body: Live) -> Live:
        before = self.objects.get(identity)
        metadata = body["metadata"]
        if before is None:
            metadata["uid"] = metadata.get("uid") or str(uuid.uuid4())
            metadata["generation"] = 1
            metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
        elif _content(before) == _content(body):
            return copy.deepcopy(before)
        else:
            is_new = before.get("spec") != body.get("spec")
            metadata["generation"] = before["metadata"]["generation"] + int(is_new)
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        self.objects[identity] = body
        self.writes.append((verb, identity[0], identity[2]))
        return copy.deepcopy(body)

    def _require_up(self) -> None:
        if self.is_down:
            raise Waiting("the API server did not answer", reason="ApiServerUnreachable")

    def _require_role(self, body: Mapping[str, Any]) -> None:
        """Without the right to bind anything, only a role that is there can be given."""
        namespace = body["metadata"].get("namespace", "")
        if body["kind"] != "RoleBinding":
            return
        if ("Role", namespace, body["roleRef"]["name"]) not in self.objects:
            raise Waiting(f"there is no Role {body['roleRef']['name']}", reason="Api")

    def _require_sound(self, body: Mapping[str, Any]) -> None:
        kind, name = body["kind"], body["metadata"]["name"]
        if body["apiVersion"] != KINDS[kind].api_version:
            raise Stalled(f"{kind} is not served as {body['apiVersion']}", reason="ObjectRefused")
        message = self.refused.get((kind, name))
        if message or name != name.lower():
            raise Stalled(
                f"the API server refused {kind} {name}: {message or 'invalid name'}",
                reason="ObjectRefused",
            )


def _identity(body: Mapping[str, Any]) -> Identity:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    volatile = ("resourceVersion", "generation", "managedFields")
    metadata = {key: value for key, value in body["metadata"].items() if key not in volatile}
    return {**body, "metadata": metadata}


def _remove(target: Any, before: Any, after: Any) -> None:
    """Remove what the last apply set and this one leaves out."""
    if not (isinstance(target, dict) and isinstance(before, Mapping)):
        return
    for key, value in before.items():
        if not isinstance(after, Mapping) or key not in after:
            target.pop(key, None)
        elif key in target:
            _remove(target[key], value, after[key])


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(child) for child in value]
    return value
