"""What a resume decides for each chat."""

from uuid import UUID

import pytest

from supmessenger_websocket.chats import OwnChat
from supmessenger_websocket.frames import ChatPosition
from supmessenger_websocket.resume import GONE, RECOVERED, RESET, Step, compute_page, plan_resume

A, B, C = (UUID(int=number) for number in (1, 2, 3))


def make_chat(chat: UUID = A, *, last_seq: int = 20, read: int = 0, joined: int = 0) -> OwnChat:
    return OwnChat(chat=chat, last_seq=last_seq, last_read_seq=read, joined_seq=joined)


def plan(asked: list[tuple[UUID, int]], *chats: OwnChat, limit: int = 1000) -> list[Step]:
    positions = [ChatPosition(chat=chat, seq=seq) for chat, seq in asked]
    return plan_resume(positions, {chat.chat: chat for chat in chats}, limit=limit)


def test_a_missed_part_is_recovered_from_the_clients_seq() -> None:
    assert plan([(A, 12)], make_chat()) == [Step(A, 12, 20, RECOVERED, asked=True)]


def test_an_empty_list_starts_every_chat_at_what_was_read() -> None:
    steps = plan([], make_chat(A, read=5), make_chat(B, last_seq=3, read=3))
    assert steps == [Step(A, 5, 20, RECOVERED, asked=True), Step(B, 3, 3, RECOVERED, asked=True)]


def test_chats_not_asked_for_flow_from_now_on() -> None:
    assert plan([(A, 20)], make_chat(A), make_chat(B, last_seq=7)) == [
        Step(A, 20, 20, RECOVERED, asked=True),
        Step(B, 7, 7, RECOVERED, asked=False),
    ]


@pytest.mark.parametrize(("seq", "status", "after"), [(19, RECOVERED, 19), (18, RESET, 1019)])
def test_more_than_the_limit_is_a_reset_to_the_end(seq: int, status: str, after: int) -> None:
    assert plan([(A, seq)], make_chat(last_seq=1019)) == [Step(A, after, 1019, status, asked=True)]


def test_a_place_that_the_chat_has_not_reached_is_a_reset() -> None:
    assert plan([(A, 21)], make_chat()) == [Step(A, 20, 20, RESET, asked=True)]


def test_a_chat_of_others_is_gone() -> None:
    assert plan([(C, 3)], make_chat(A))[0] == Step(C, 0, 0, GONE, asked=True)


def test_history_before_the_member_came_is_not_replayed() -> None:
    steps = plan([(A, 0)], make_chat(last_seq=5000, joined=4990))
    assert steps == [Step(A, 4990, 5000, RECOVERED, asked=True)]


def test_a_chat_named_twice_is_resumed_once_from_the_last_seq() -> None:
    assert plan([(A, 3), (A, 9)], make_chat()) == [Step(A, 9, 20, RECOVERED, asked=True)]


@pytest.mark.parametrize(
    ("size", "rows", "page"),
    [(0, 0, 25), (25 * 300, 25, 100), (25 * 100_000, 25, 2), (10**9, 1, 1)],
)
def test_pages_shrink_with_the_size_of_messages(size: int, rows: int, page: int) -> None:
    assert compute_page(size, rows=rows, most=100) == page
