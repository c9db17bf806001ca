"""The narrow door to the API server: what a pass may do there, and nothing else."""

from collections.abc import Mapping
from typing import Any, Protocol

Body = Mapping[str, Any]
Live = dict[str, Any]


class ClusterClient(Protocol):
    """What the operator may do with the API server.

    Every call ends within its timeout. Refusals that a person must resolve are raised as
    `Stalled`, everything that may pass as `Waiting`.
    """

    async def get(self, kind: str, namespace: str, name: str) -> Live | None:
        """Return one object, or None when there is none."""
        ...

    async def list(self, kind: str, namespace: str, *, selector: str = "") -> list[Live]:
        """Return the objects of a kind whose labels match; all namespaces when it is empty."""
        ...

    async def apply(self, body: Body, *, dry_run: bool = False) -> Live:
        """Apply a whole object server-side, with force, under our field manager.

        With `dry_run` the API server only judges it.
        """
        ...

    async def create(self, body: Body) -> Live:
        """Create an object once; raises `AlreadyExists`."""
        ...

    async def replace(self, body: Body) -> Live:
        """Replace an object at the resourceVersion it carries; raises `Conflict`."""
        ...

    async def take_over(self, kind: str, namespace: str, name: str) -> None:
        """Become the owner of what others wrote into our fields; the next apply removes it."""
        ...

    async def patch_status(self, body: Body) -> Live:
        """Apply the status of a SupMessenger server-side."""
        ...

    async def delete(
        self, kind: str, namespace: str, name: str, *, uid: str, orphan: bool = False
    ) -> None:
        """Delete the object with this uid in the background; gone already is fine.

        With `orphan` what it owns goes on.
        """
        ...
