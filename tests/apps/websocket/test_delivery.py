"""Every connection gets every message once and in order, whatever happens at the same time."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supmessenger_websocket.delivery import Cursor, Offer, Position

PAGE = 3


class Chat:
    """A chat, its room in one process, and connections that come at any time."""

    def __init__(self, last_seq: int) -> None:
        self.stored = last_seq
        self.hints: list[int] = []
        self.room = Position()
        self.cursors: list[tuple[Cursor, int, list[int]]] = []

    def store(self) -> None:
        self.stored += 1
        self.hints.append(self.stored)

    def read_page(self, after: int) -> list[int]:
        return list(range(after + 1, min(self.stored, after + PAGE) + 1))

    def deliver(self, seq: int) -> None:
        for cursor, _, written in self.cursors:
            if cursor.take_live(seq):
                written.append(seq)

    def take_hint(self, random: Random) -> None:
        """A hint arrives: any of those published, and it may come again or never."""
        if not self.hints:
            return
        index = random.randrange(len(self.hints))
        seq = self.hints[index] if random.random() < 0.2 else self.hints.pop(index)
        if random.random() < 0.2:
            return
        if self.room.offer(seq) is Offer.DELIVER:
            self.deliver(seq)

    def fill(self) -> Iterator[None]:
        """What the hub does about a gap; each yield is a moment in which others run."""
        while self.room.behind:
            known, after = self.room.wanted, self.room.delivered
            yield
            page = self.read_page(after)
            for seq in page:
                yield
                if self.room.accept_stored(seq):
                    self.deliver(seq)
            if len(page) < PAGE:
                self.room.accept_end(known)

    def join(self, after: int) -> Iterator[None]:
        """What a resume does: come into the room, then replay until live."""
        cursor, written = Cursor(after), list[int]()
        self.cursors.append((cursor, after, written))
        while not cursor.live:
            floor = self.room.delivered
            yield
            page = self.read_page(cursor.delivered)
            yield
            for seq in page:
                if cursor.take_replayed(seq):
                    written.append(seq)
                yield
            cursor.finish_page(complete=len(page) < PAGE, floor=floor, position=self.room)


def run_actions(chat: Chat, random: Random, count: int) -> list[Iterator[None]]:
    """Let everything happen at random; return what is still running."""
    kinds = ["store", "hint", "fill", "join", "step"]
    running: list[Iterator[None]] = []
    for action in random.choices(kinds, weights=[3, 4, 1, 1, 12], k=count):
        if action == "store":
            chat.store()
        elif action == "hint":
            chat.take_hint(random)
        elif action == "fill":
            running.append(chat.fill())
        elif action == "join":
            running.append(chat.join(random.randint(0, chat.stored)))
        elif running:
            task = random.choice(running)
            if next(task, "done") == "done":
                running.remove(task)
    return running


@settings(max_examples=300)
@given(first=st.integers(0, 6), count=st.integers(0, 250), seed=st.integers(0, 2**32))
def test_any_interleaving_yields_each_seq_once_and_in_order(
    first: int, count: int, seed: int
) -> None:
    random = Random(seed)
    chat = Chat(first)
    chat.room.start(chat.stored)
    running = run_actions(chat, random, count)
    # In the end everything that runs comes to its end, and healing looks once more.
    for task in running:
        for _ in task:
            pass
    chat.room.wanted = max(chat.room.wanted, chat.stored)
    for _ in chat.fill():
        pass
    for cursor, after, written in chat.cursors:
        assert cursor.live
        assert written == list(range(after + 1, chat.stored + 1))


def test_hints_before_the_room_knows_its_place_are_kept_in_mind() -> None:
    room = Position()
    assert room.offer(7) is Offer.GAP
    assert not room.behind
    room.start(5)
    assert room.behind


def test_a_repeated_hint_is_known() -> None:
    room = Position()
    room.start(4)
    assert room.offer(5) is Offer.DELIVER
    assert room.offer(5) is Offer.KNOWN


def test_places_missing_in_the_database_do_not_hold_up_the_room() -> None:
    room = Position()
    room.start(4)
    assert room.offer(8) is Offer.GAP
    assert room.accept_stored(6)
    room.accept_end(8)
    assert not room.behind
    assert room.offer(9) is Offer.DELIVER


def test_a_replaying_cursor_takes_nothing_live() -> None:
    cursor = Cursor(3)
    assert not cursor.take_live(4)
    assert cursor.take_replayed(4)


@pytest.mark.parametrize("complete", [False, True])
def test_a_cursor_behind_its_room_is_not_live_yet(complete: bool) -> None:
    room, cursor = Position(), Cursor(3)
    room.start(9)
    assert not cursor.finish_page(complete=complete, floor=5, position=room)


def test_a_cursor_goes_live_where_the_room_is() -> None:
    room, cursor = Position(), Cursor(3)
    room.start(3)
    assert cursor.finish_page(complete=True, floor=3, position=room)
    assert cursor.take_live(4)
    assert not cursor.take_replayed(5)
