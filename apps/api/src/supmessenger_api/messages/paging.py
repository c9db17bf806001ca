"""Which part of a chat's history a request asks for, and where the next part begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from supmessenger_common.messages.model import Message


@dataclass(frozen=True)
class HistoryRange:
    """Messages with `after < seq < before`; without `after` the newest of them."""

    after: int | None
    before: int | None
    limit: int

    @property
    def forward(self) -> bool:
        """Whether pages go towards newer messages."""
        return self.after is not None


def cut_page(
    found: Sequence[Message], wanted: HistoryRange
) -> tuple[Sequence[Message], int | None]:
    """Return the page of what was found with one message more than asked, and the cursor.

    `found` ascends; the extra message only tells that there is more.
    """
    if len(found) <= wanted.limit:
        return found, None
    if wanted.forward:
        page = found[: wanted.limit]
        return page, page[-1].seq
    page = found[-wanted.limit :]
    return page, page[0].seq
