"""Pictures tell what they show and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from support.pictures import draw

from supmessenger_media.pictures.metadata import BrokenPictureError, strip_metadata

TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


def build_telling(suffix: str, *, orientation: int = 6) -> bytes:
    """Return a picture that tells its camera, its place and a history."""
    picture = draw(64, 32).copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Camera of somebody")
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "52/1 30/1 0/1")
    picture.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x>Editor of somebody</x>")
    if suffix == ".gif":
        plain = bytes(picture.write_to_buffer(suffix))
        return plain[:-1] + b"\x21\xfe\x12Camera of somebody\0\x3b"
    return bytes(picture.write_to_buffer(suffix))


def strip(folder: Path, content: bytes, suffix: str) -> bytes:
    source, result = folder / "source", folder / "result"
    source.write_bytes(content)
    strip_metadata(source, result, content_type=TYPES[suffix])
    return result.read_bytes()


def draw_pixels(content: bytes) -> bytes:
    return bytes(pyvips.Image.new_from_buffer(content, "", n=-1).write_to_memory())


def draw_still(content: bytes) -> bytes:
    return bytes(pyvips.Image.new_from_buffer(content, "").write_to_memory())


@pytest.mark.parametrize("suffix", TYPES)
def test_what_a_picture_tells_leaves_and_what_it_shows_stays(tmp_path: Path, suffix: str) -> None:
    given_picture = build_telling(suffix)
    assert b"somebody" in given_picture
    stripped = strip(tmp_path, given_picture, suffix)
    assert b"somebody" not in stripped
    assert b"GPS" not in stripped
    assert draw_still(stripped) == draw_still(given_picture)
    back = pyvips.Image.new_from_buffer(stripped, "")
    assert not [name for name in back.get_fields() if name.startswith(("exif-ifd3", "xmp"))]
    # Once is enough: a clean picture is kept to the byte.
    assert strip(tmp_path, stripped, suffix) == stripped


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_stays_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    stripped = strip(tmp_path, build_telling(suffix, orientation=orientation), suffix)
    assert pyvips.Image.new_from_buffer(stripped, "").get("orientation") == orientation


def test_a_progressive_picture_keeps_all_its_scans(tmp_path: Path) -> None:
    content = draw(200, 100).jpegsave_buffer(interlace=True, keep="none")
    assert content.count(b"\xff\xda") > 1
    assert strip(tmp_path, content, ".jpg") == content


def test_pictures_behind_a_picture_leave(tmp_path: Path) -> None:
    content = bytes(draw(20, 10).jpegsave_buffer(keep="none"))
    assert strip(tmp_path, content + build_telling(".jpg"), ".jpg") == content


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_a_moving_picture_keeps_moving(tmp_path: Path, suffix: str) -> None:
    # Two frames, one above the other.
    frames = draw(20, 10).join(draw(20, 10).flip("horizontal"), "vertical").copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 10)
    frames.set_type(pyvips.GValue.array_int_type, "delay", [100, 200])
    content = bytes(frames.write_to_buffer(suffix))
    stripped = strip(tmp_path, content, suffix)
    assert draw_pixels(stripped) == draw_pixels(content)
    back = pyvips.Image.new_from_buffer(stripped, "", n=-1)
    assert (back.get("n-pages"), back.get("delay")) == (2, [100, 200])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif"])
def test_a_picture_that_is_cut_is_refused(tmp_path: Path, suffix: str) -> None:
    content = build_telling(suffix)
    for length in (20, len(content) // 2, len(content) - 1):
        with pytest.raises(BrokenPictureError):
            strip(tmp_path, content[:length], suffix)


@pytest.mark.parametrize("suffix", TYPES)
@given(data=st.data())
def test_a_damaged_picture_is_refused_or_written(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    content = bytearray(build_telling(suffix))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(12, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        strip(tmp_path_factory.getbasetemp(), bytes(content), suffix)
    except BrokenPictureError:
        return
