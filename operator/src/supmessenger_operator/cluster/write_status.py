"""The one status write of a pass, skipped when nothing has changed."""

from collections.abc import Mapping
from typing import Any

from supmessenger_operator.cluster.client import ClusterClient
from supmessenger_operator.model.messenger import API_VERSION, KIND
from supmessenger_operator.model.status import Status


async def write_status(client: ClusterClient, body: Mapping[str, Any], status: Status) -> bool:
    """Write the status unless the resource has it already; say whether it was written."""
    content = dump_status(status)
    if body.get("status") == content:
        return False
    metadata = body["metadata"]
    await client.patch_status(
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            # The uid makes the write fail when a new resource has taken the name.
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "status": content,
        }
    )
    return True


def dump_status(status: Status) -> dict[str, Any]:
    """Return a status as the API server stores it: without fields that say nothing."""
    dumped: dict[str, Any] = _compact(status.model_dump(mode="json", by_alias=True))
    return dumped


def _compact(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _compact(child) for key, child in value.items()}
        return {key: child for key, child in kept.items() if child not in (None, "", [], {})}
    return [_compact(child) for child in value] if isinstance(value, list) else value
