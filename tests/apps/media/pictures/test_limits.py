"""How much memory a picture may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from supmessenger_media.pictures.limits import compute_picture_memory, gather_picture_limits

MIB = 1024 * 1024


def test_a_small_container_gives_half_of_its_free_memory_to_all_pictures_together() -> None:
    share = compute_picture_memory(limit=512 * MIB, usage=112 * MIB, processes=2)
    assert share == 100 * MIB


def test_a_full_container_still_allows_small_pictures() -> None:
    assert compute_picture_memory(limit=128 * MIB, usage=128 * MIB, processes=2) == 32 * MIB


def test_a_large_container_gives_no_more_than_a_picture_ever_needs() -> None:
    assert compute_picture_memory(limit=64_000 * MIB, usage=0, processes=2) == 320 * MIB


@pytest.mark.parametrize(
    ("limit_file", "usage_file"),
    [
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ],
)
def test_the_limit_of_the_container_is_found(
    tmp_path: Path, limit_file: str, usage_file: str
) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / limit_file).write_text(f"{512 * MIB}\n")
    (tmp_path / usage_file).write_text(f"{112 * MIB}\n")
    assert gather_picture_limits(tmp_path).memory_bytes == 100 * MIB


def test_without_a_limit_of_the_container_the_default_holds(tmp_path: Path) -> None:
    assert gather_picture_limits(tmp_path).memory_bytes == 320 * MIB
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert gather_picture_limits(tmp_path).memory_bytes == 320 * MIB
