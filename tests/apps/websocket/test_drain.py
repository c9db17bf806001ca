"""Pacing of the drain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supmessenger_websocket.drain import (
    CLOSING_SHARE,
    SLICE_LEAST,
    close_in_slices,
    compute_slices,
)


def test_few_sockets_are_closed_at_once() -> None:
    (only,) = compute_slices(SLICE_LEAST, seconds=60)
    assert (only.at, only.count) == (0.0, SLICE_LEAST)


def test_no_socket_needs_no_slice() -> None:
    assert list(compute_slices(0, seconds=60)) == []


def test_many_sockets_are_spread_over_the_drain() -> None:
    slices = list(compute_slices(10_000, seconds=60))
    assert slices[-1].at == pytest.approx(60 * CLOSING_SHARE, abs=0.2)
    assert max(part.count for part in slices) <= 21


@given(sockets=st.integers(0, 30_000), seconds=st.floats(0, 120))
def test_every_socket_is_closed_within_the_share_and_evenly(sockets: int, seconds: float) -> None:
    slices = list(compute_slices(sockets, seconds=seconds))
    assert sum(part.count for part in slices) == sockets
    assert all(part.at <= seconds * CLOSING_SHARE for part in slices)
    counts = [part.count for part in slices]
    assert not counts or max(counts) - min(counts) <= 1


async def test_each_socket_is_closed_once_with_1012() -> None:
    closed: list[tuple[object, int]] = []

    class Peer:
        def close_after_work(self, code: int, reason: str) -> None:
            closed.append((self, code))

    peers = [Peer() for _ in range(25)]
    await close_in_slices(peers, seconds=0.1)
    assert [peer for peer, _ in closed] == peers
    assert {code for _, code in closed} == {1012}
