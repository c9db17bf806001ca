"""One write per connection per turn, of bytes that all members share."""

import asyncio
from collections.abc import Sequence

from supmessenger_websocket.outbox import Flusher, Outbox


async def test_frames_of_one_turn_are_one_write() -> None:
    writes: list[Sequence[bytes]] = []
    outbox = Outbox(Flusher(asyncio.get_running_loop()), writes.append)
    for frame in (b"a", b"b", b"c"):
        outbox.append(frame)
    assert writes == []
    await asyncio.sleep(0)
    assert writes == [[b"a", b"b", b"c"]]


async def test_the_next_turn_is_another_write() -> None:
    writes: list[Sequence[bytes]] = []
    outbox = Outbox(Flusher(asyncio.get_running_loop()), writes.append)
    outbox.append(b"a")
    await asyncio.sleep(0)
    outbox.append(b"b")
    await asyncio.sleep(0)
    assert writes == [[b"a"], [b"b"]]


async def test_members_share_the_encoded_bytes() -> None:
    writes: list[Sequence[bytes]] = []
    flusher = Flusher(asyncio.get_running_loop())
    boxes = [Outbox(flusher, writes.append) for _ in range(3)]
    frame = bytes(range(200))
    for box in boxes:
        box.append(frame)
    await asyncio.sleep(0)
    assert len(writes) == 3
    assert all(written[0] is frame for written in writes)


async def test_an_early_flush_leaves_nothing_for_the_end_of_the_turn() -> None:
    writes: list[Sequence[bytes]] = []
    outbox = Outbox(Flusher(asyncio.get_running_loop()), writes.append)
    outbox.append(b"a")
    outbox.flush()
    await asyncio.sleep(0)
    assert writes == [[b"a"]]


async def test_frames_queued_during_a_flush_wait_for_the_next_turn() -> None:
    writes: list[Sequence[bytes]] = []
    flusher = Flusher(asyncio.get_running_loop())
    second = Outbox(flusher, writes.append)
    first = Outbox(flusher, lambda frames: second.append(b"late"))
    first.append(b"a")
    await asyncio.sleep(0)
    assert writes == []
    await asyncio.sleep(0)
    assert writes == [[b"late"]]


async def test_cleared_frames_are_not_written() -> None:
    writes: list[Sequence[bytes]] = []
    outbox = Outbox(Flusher(asyncio.get_running_loop()), writes.append)
    outbox.append(b"a")
    outbox.clear()
    await asyncio.sleep(0)
    assert writes == []
