"""Pages of a history."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from supmessenger_api.messages.paging import HistoryRange, cut_page
from supmessenger_common.identifiers import create_id
from supmessenger_common.messages.model import Message

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def build_message(seq: int) -> Message:
    return Message(
        id=create_id(),
        chat_id=create_id(),
        seq=seq,
        sender_id=None,
        sender_device_id=None,
        sent_at=NOW,
        content_type="text/plain",
        content="",
        reply_to=None,
        recipient=None,
    )


@given(total=st.integers(0, 25), limit=st.integers(1, 10), forward=st.booleans())
def test_following_the_cursor_shows_every_message_once(
    *, total: int, limit: int, forward: bool
) -> None:
    history = [build_message(seq) for seq in range(1, total + 1)]
    shown: list[int] = []
    cursor: int | None = 0 if forward else total + 1
    while cursor is not None:
        if forward:
            wanted = HistoryRange(after=cursor, before=None, limit=limit)
            found = [item for item in history if item.seq > cursor][: limit + 1]
        else:
            wanted = HistoryRange(after=None, before=cursor, limit=limit)
            found = [item for item in history if item.seq < cursor][-(limit + 1) :]
        page, cursor = cut_page(found, wanted)
        assert len(page) <= limit
        seqs = [item.seq for item in page]
        shown = shown + seqs if forward else seqs + shown
    assert shown == [item.seq for item in history]
