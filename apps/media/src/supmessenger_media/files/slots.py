"""How many uploads one process takes at once, of all and of each user."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from supmessenger_common.errors import PlatformError

# Each upload under way holds up to ten mebibytes between the client and the store.
MOST_UPLOADS = 16
# One user with slow uploads must not keep the others from theirs.
MOST_UPLOADS_EACH = 4
_RETRY = {"Retry-After": "5"}


class UploadSlots:
    """Counts uploads; who comes too many is told to come again."""

    def __init__(self, count: int = MOST_UPLOADS, *, each: int = MOST_UPLOADS_EACH) -> None:
        """Allow `count` at once, `each` of them to one user."""
        self._count = count
        self._each = each
        self._taken: Counter[UUID] = Counter()

    @contextmanager
    def take(self, user_id: UUID) -> Iterator[None]:
        """Hold a slot; raises 429 when the user has all of their own, 503 when none is free."""
        if self._taken[user_id] >= self._each:
            detail = f"You have {self._each} uploads under way; wait for one to end."
            raise PlatformError(429, "too_many_uploads", detail, headers=_RETRY)
        if self._taken.total() >= self._count:
            detail = "Too many uploads are under way; try again shortly."
            raise PlatformError(503, "too_many_uploads", detail, headers=_RETRY)
        self._taken[user_id] += 1
        try:
            yield
        finally:
            self._taken[user_id] -= 1
            # Users without an upload are not remembered.
            self._taken += Counter()
