"""Thumbnails and avatars of real pictures, and of pictures that are traps."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
import pyvips
from support.pictures import build_bomb, draw, is_red

from supmessenger_media.pictures.limits import PictureLimits
from supmessenger_media.pictures.studio import PictureRefusedError, PictureStudio, PictureTask


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif"])
async def test_a_thumbnail_is_small_and_looks_like_the_picture(tmp_path: Path, suffix: str) -> None:
    source, result = tmp_path / f"source{suffix}", tmp_path / "thumbnail"
    draw(900, 600).write_to_file(str(source))

    picture = await PictureStudio(PictureLimits()).make(
        PictureTask.THUMBNAIL, source=source, result=result
    )

    assert (picture.width, picture.height) == (900, 600)
    thumbnail = pyvips.Image.new_from_file(str(result))
    assert thumbnail.get("vips-loader") == "webpload"
    assert (thumbnail.width, thumbnail.height) == (320, 213)
    assert is_red(thumbnail, 20, 100)
    assert not is_red(thumbnail, 300, 100)


async def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    source, result = tmp_path / "source.png", tmp_path / "thumbnail"
    draw(40, 30).write_to_file(str(source))
    await PictureStudio(PictureLimits()).make(PictureTask.THUMBNAIL, source=source, result=result)
    thumbnail = pyvips.Image.new_from_file(str(result))
    assert (thumbnail.width, thumbnail.height) == (40, 30)


@pytest.mark.parametrize("task", list(PictureTask))
async def test_the_orientation_is_baked_in_and_the_metadata_is_gone(
    tmp_path: Path, task: PictureTask
) -> None:
    source, result = tmp_path / "source.jpg", tmp_path / "result"
    sideways = draw(400, 200).copy()
    # 6: the picture has to be turned a quarter clockwise to stand upright.
    sideways.set_type(pyvips.GValue.gint_type, "orientation", 6)
    sideways.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Camera of somebody")
    sideways.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "52/1 30/1 0/1")
    sideways.write_to_file(str(source))
    assert pyvips.Image.new_from_file(str(source)).get_typeof("exif-data")

    picture = await PictureStudio(PictureLimits()).make(task, source=source, result=result)

    assert (picture.width, picture.height) == (200, 400)
    upright = pyvips.Image.new_from_file(str(result))
    assert upright.height == 2 * upright.width
    assert is_red(upright, upright.width // 2, 10)
    assert not is_red(upright, upright.width // 2, upright.height - 10)
    assert not any(name.startswith(("exif", "xmp", "iptc")) for name in upright.get_fields())
    assert b"Camera" not in result.read_bytes()


async def test_an_avatar_keeps_its_kind_and_loses_its_size(tmp_path: Path) -> None:
    source, result = tmp_path / "source.png", tmp_path / "avatar"
    draw(3000, 1500).write_to_file(str(source))
    picture = await PictureStudio(PictureLimits()).make(
        PictureTask.AVATAR, source=source, result=result
    )
    assert (picture.width, picture.height, picture.content_type) == (1024, 512, "image/png")


@pytest.mark.parametrize("task", list(PictureTask))
async def test_a_bomb_is_refused_by_its_header(tmp_path: Path, task: PictureTask) -> None:
    source = tmp_path / "bomb.png"
    source.write_bytes(build_bomb(20_000, 20_000))
    assert source.stat().st_size < 100_000
    began = time.monotonic()
    with pytest.raises(PictureRefusedError) as caught:
        await PictureStudio(PictureLimits()).make(task, source=source, result=tmp_path / "result")
    assert caught.value.reason == "too_many_pixels"
    assert time.monotonic() - began < 5


async def test_a_picture_that_takes_too_much_memory_ends_its_process_only(tmp_path: Path) -> None:
    source = tmp_path / "interlaced.png"
    # An interlaced picture is unpacked whole: 96 MB here, with 24 MiB allowed.
    draw(8000, 4000).pngsave(str(source), interlace=True, compression=1)
    studio = PictureStudio(PictureLimits(memory_bytes=24 * 1024 * 1024))
    with pytest.raises(PictureRefusedError) as caught:
        await studio.make(PictureTask.THUMBNAIL, source=source, result=tmp_path / "result")
    assert caught.value.reason in ("limits_exceeded", "unreadable")
    small = tmp_path / "small.png"
    draw(40, 30).write_to_file(str(small))
    await studio.make(PictureTask.THUMBNAIL, source=small, result=tmp_path / "result")


async def test_a_picture_that_takes_too_long_is_cut_off(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.png")
    studio = PictureStudio(PictureLimits(seconds=0.5))
    began = time.monotonic()
    with pytest.raises(PictureRefusedError) as caught:
        await studio.make(
            PictureTask.THUMBNAIL, source=tmp_path / "endless.png", result=tmp_path / "result"
        )
    assert caught.value.reason == "limits_exceeded"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\xff\xd8\xff\xe0 no jpeg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"],
)
async def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    with pytest.raises(PictureRefusedError) as caught:
        await PictureStudio(PictureLimits()).make(
            PictureTask.THUMBNAIL, source=source, result=tmp_path / "result"
        )
    assert caught.value.reason in ("unreadable", "unknown_format")


async def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    draw(800, 800).write_to_file(str(source))
    source.write_bytes(source.read_bytes()[:-200])
    with pytest.raises(PictureRefusedError):
        await PictureStudio(PictureLimits()).make(
            PictureTask.AVATAR, source=source, result=tmp_path / "result"
        )


async def test_no_more_processes_run_at_once_than_allowed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.png")
    studio = PictureStudio(PictureLimits(seconds=0.6, processes=1))
    began = time.monotonic()
    outcomes = await asyncio.gather(
        *(
            studio.make(
                PictureTask.THUMBNAIL, source=tmp_path / "endless.png", result=tmp_path / str(n)
            )
            for n in range(2)
        ),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, PictureRefusedError) for outcome in outcomes)
    assert time.monotonic() - began >= 1.1
