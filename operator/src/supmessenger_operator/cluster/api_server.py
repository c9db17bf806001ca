"""The door on `kubernetes.aio`: timeouts, a concurrency cap and the mapping of errors."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.dynamic import DynamicClient

from supmessenger_operator import metrics
from supmessenger_operator.cluster.client import Body, Live
from supmessenger_operator.cluster.errors import AlreadyExists, Conflict
from supmessenger_operator.cluster.kinds import KINDS
from supmessenger_operator.cluster.permissions import LEADER_PERMISSIONS, PERMISSIONS
from supmessenger_operator.model.messenger import FIELD_MANAGER
from supmessenger_operator.model.outcome import Stalled, Waiting
from supmessenger_operator.model.ownership import compute_taken_over, has_foreign_fields

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=10)
CONCURRENT_REQUESTS = 20
PAGE_SIZE = 500
# A throttled request is repeated this often, each time after what the server asked for.
THROTTLED_TRIES = 3
LONGEST_RETRY_AFTER = 10.0
_APPLY = "application/apply-patch+yaml"


class ApiServer:
    """The real API server behind the narrow protocol."""

    def __init__(self, client: ApiClient) -> None:
        # Not awaited: that would start discovery, which the table of kinds replaces.
        self._dynamic = DynamicClient(client)  # type: ignore[no-untyped-call]  # no annotations there
        self._client = client
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def get(self, kind: str, namespace: str, name: str) -> Live | None:
        """Return one object, or None when there is none."""
        try:
            return await self._request("get", kind, namespace, name)
        except ApiException as error:
            if error.status == 404:
                return None
            raise _translate(error, f"{kind} {name}") from error

    async def list(self, kind: str, namespace: str, *, selector: str = "") -> list[Live]:
        """Return the objects of a kind whose labels match; all namespaces when it is empty."""
        items: list[Live] = []
        query: dict[str, Any] = {"label_selector": selector or None, "limit": PAGE_SIZE}
        while True:
            try:
                page = await self._request("list", kind, namespace, "", **query)
            except ApiException as error:
                raise _translate(error, f"list of {kind}") from error
            # The API server leaves kind and apiVersion out of the items of a list.
            served = KINDS[kind]
            items += [
                {"apiVersion": served.api_version, "kind": kind, **item} for item in page["items"]
            ]
            token = page["metadata"].get("continue")
            if not token:
                return items
            query["_continue"] = token

    async def apply(self, body: Body, *, dry_run: bool = False) -> Live:
        """Apply a whole object server-side, with force, under our field manager."""
        return await self._write("patch", body, dry_run="All" if dry_run else None, **_applying())

    async def create(self, body: Body) -> Live:
        """Create an object once; raises `AlreadyExists`."""
        return await self._write("create", body, field_manager=FIELD_MANAGER)

    async def replace(self, body: Body) -> Live:
        """Replace an object at the resourceVersion it carries; raises `Conflict`."""
        return await self._write("update", body, field_manager=FIELD_MANAGER)

    async def take_over(self, kind: str, namespace: str, name: str) -> None:
        """Become the owner of what others wrote into our fields; the next apply removes it."""
        live = await self.get(kind, namespace, name)
        if live is None or not has_foreign_fields(live):
            return
        metadata = live["metadata"]
        owned = compute_taken_over(metadata["managedFields"])
        kept = {key: metadata[key] for key in ("name", "namespace", "resourceVersion")}
        body = {"kind": kind, "metadata": {**kept, "managedFields": owned}}
        await self._write("patch", body, content_type="application/merge-patch+json")

    async def patch_status(self, body: Body) -> Live:
        """Apply the status of a SupMessenger server-side."""
        return await self._write("patch", body, subresource="status", **_applying())

    async def delete(
        self, kind: str, namespace: str, name: str, *, uid: str, orphan: bool = False
    ) -> None:
        """Delete the object with this uid in the background; gone already is fine.

        With `orphan` what it owns goes on.
        """
        options = {
            "preconditions": {"uid": uid},
            "propagationPolicy": "Orphan" if orphan else "Background",
        }
        try:
            await self._request("delete", kind, namespace, name, body=options)
        except ApiException as error:
            # 409: another object took the name; that one is not ours to delete.
            if error.status not in (404, 409):
                raise _translate(error, f"{kind} {name}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # no annotations there

    async def _write(self, verb: str, body: Body, *, subresource: str = "", **query: Any) -> Live:
        kind, metadata = str(body["kind"]), body["metadata"]
        try:
            return await self._request(
                verb,
                kind,
                metadata.get("namespace", ""),
                metadata["name"],
                subresource=subresource,
                body=dict(body),
                **query,
            )
        except ApiException as error:
            if error.status == 409:
                raise _conflict(verb, error, f"{kind} {metadata['name']}") from error
            raise _translate(error, f"{kind} {metadata['name']}") from error

    async def _request(
        self,
        verb: str,
        kind: str,
        namespace: str,
        name: str,
        *,
        subresource: str = "",
        **query: Any,
    ) -> Live:
        _require_permission(verb, kind, subresource)
        path = _build_path(kind, namespace, "" if verb in ("list", "create") else name, subresource)
        if verb not in ("get", "list") and not query.get("dry_run"):
            metrics.WRITES.labels(verb=verb, kind=kind).inc()
        method = {"list": "get", "create": "post", "update": "put"}.get(verb, verb)
        for attempt in range(1, THROTTLED_TRIES + 1):
            try:
                return await self._send(method, path, query)
            except ApiException as error:
                if error.status != 429 or attempt == THROTTLED_TRIES:
                    raise
                await asyncio.sleep(_parse_retry_after(error))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _send(self, method: str, path: str, query: Mapping[str, Any]) -> Live:
        try:
            async with self._slots:
                response = await self._dynamic.request(
                    method, path, serialize=False, _request_timeout=REQUEST_TIMEOUT, **query
                )
                answer: Live = json.loads(await response.read())
                return answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Waiting(
                f"the API server did not answer ({type(error).__name__}); trying again",
                reason="ApiServerUnreachable",
            ) from error


async def connect_api_server() -> ApiServer:
    """Return the API server of the pod's service account, or else of the kubeconfig."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = CONCURRENT_REQUESTS
    try:
        config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # ditto
    except config.ConfigException:
        await config.load_kube_config(  # type: ignore[no-untyped-call]  # ditto
            client_configuration=configuration
        )
    return ApiServer(ApiClient(configuration))


def _applying() -> dict[str, Any]:
    return {"content_type": _APPLY, "field_manager": FIELD_MANAGER, "force_conflicts": True}


def _build_path(kind: str, namespace: str, name: str, subresource: str) -> str:
    served = KINDS[kind]
    parts = [served.prefix]
    if namespace:
        parts += ["namespaces", namespace]
    parts += [part for part in (served.plural, name, subresource) if part]
    return "/".join(parts)


def _require_permission(verb: str, kind: str, subresource: str) -> None:
    """Fail loudly, in every test, when code calls what the role does not allow."""
    name = f"{kind}/{subresource}" if subresource else kind
    allowed = PERMISSIONS.get(name, ()) + LEADER_PERMISSIONS.get(name, ())
    if verb not in allowed:
        raise AssertionError(f"{verb} of {name} is missing in cluster/permissions.py")


def _conflict(verb: str, error: ApiException, what: str) -> Exception:
    if verb == "create" and _parse_reason(error) == "AlreadyExists":
        return AlreadyExists(what)
    if verb == "update":
        return Conflict(what)
    return Waiting(f"{what} is being changed by somebody else; trying again", reason="Conflict")


def _translate(error: ApiException, what: str) -> Exception:
    """Turn an answer into what a pass understands: a person must act, or time will tell."""
    message = _parse_message(error)
    if error.status in (400, 422):
        return Stalled(f"the API server refused {what}: {message}", reason="ObjectRefused")
    if error.status in (401, 403):
        # A quota may be raised and a role bound at any time: both resolve without the resource.
        return Waiting(f"the API server forbids {what}: {message}", reason="Forbidden")
    return Waiting(f"the API server answered {error.status} for {what}: {message}", reason="Api")


def _parse_body(error: ApiException) -> dict[str, Any]:
    with suppress(ValueError, TypeError):
        parsed = json.loads(error.body or "")
        if isinstance(parsed, dict):
            return parsed
    return {}


def _parse_message(error: ApiException) -> str:
    return str(_parse_body(error).get("message") or error.reason)


def _parse_reason(error: ApiException) -> str:
    return str(_parse_body(error).get("reason", ""))


def _parse_retry_after(error: ApiException) -> float:
    headers: Mapping[str, str] = error.headers or {}
    try:
        return min(float(headers.get("Retry-After", "1")), LONGEST_RETRY_AFTER)
    except ValueError:  # an HTTP date
        return 1.0
