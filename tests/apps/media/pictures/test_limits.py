"""How much memory a picture may take."""

from __future__ import annotations

from supmessenger_media.pictures.limits import compute_picture_memory

MIB = 1024 * 1024


def test_without_a_limit_of_the_container_the_default_holds() -> None:
    assert compute_picture_memory(limit=None, usage=0, processes=2) == 320 * MIB


def test_a_small_container_gives_half_of_its_free_memory_to_all_pictures_together() -> None:
    share = compute_picture_memory(limit=512 * MIB, usage=112 * MIB, processes=2)
    assert share == 100 * MIB


def test_a_full_container_still_allows_small_pictures() -> None:
    assert compute_picture_memory(limit=128 * MIB, usage=128 * MIB, processes=2) == 32 * MIB


def test_a_large_container_gives_no_more_than_a_picture_ever_needs() -> None:
    assert compute_picture_memory(limit=64_000 * MIB, usage=0, processes=2) == 320 * MIB
