"""From an upload to its renditions, through the real broker, object store and ffmpeg."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import obstore
import pytest
from obstore.store import S3Store
from support.videos import list_boxes, make_video, probe
from support.waiting import wait_until
from support.worker_service import Jobs, run_worker

from supmessenger_common.bindings import read_object_storage
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import create_id
from supmessenger_common.objects import open_bucket

pytestmark = pytest.mark.services

NAMES = ("poster", "360p", "720p")
# A converter steps back behind all other work of the machine.
CONVERT_SECONDS = 150.0


class Library:
    """Files in the bucket with their rows."""

    def __init__(self, postgres: Pool, bucket: S3Store) -> None:
        self.postgres, self.bucket = postgres, bucket

    async def add(
        self, content: bytes, *, content_type: str = "video/mp4", encrypted: bool = False
    ) -> UUID:
        """Store a file as the media service does, with the rows of its renditions."""
        file_id, user_id = create_id(), create_id()
        query = """
            INSERT INTO users (id, email, username, display_name, password_hash)
            VALUES ($1, $2, $3, 'x', 'x')
        """
        await self.postgres.execute(query, user_id, f"{user_id}@example.org", f"u{user_id}")
        await obstore.put_async(self.bucket, f"files/{file_id}", content)
        query = """
            INSERT INTO media_files (id, owner_id, object_key, size, sha256, content_type,
                encrypted, status)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'ready')
        """
        digest = hashlib.sha256(content).digest()
        key, size = f"files/{file_id}", len(content)
        values = (file_id, user_id, key, size, digest, content_type, encrypted)
        await self.postgres.execute(query, *values)
        for position, name in enumerate(NAMES):
            query = """
                INSERT INTO media_renditions (file_id, name, position, object_key)
                VALUES ($1, $2, $3, $4)
            """
            key = f"renditions/{file_id}/{name}"
            await self.postgres.execute(query, file_id, name, position, key)
        return file_id

    async def read(self, file_id: UUID) -> dict[str, asyncpg.Record]:
        query = "SELECT * FROM media_renditions WHERE file_id = $1 ORDER BY position"
        return {row["name"]: row for row in await self.postgres.fetch(query, file_id)}

    async def get(self, key: str) -> bytes:
        return bytes(await (await obstore.get_async(self.bucket, key)).bytes_async())

    async def list_keys(self) -> list[str]:
        return sorted(item["path"] for item in await obstore.list(self.bucket).collect_async())


@pytest.fixture
def library(postgres: Pool, binding_root: Path) -> Library:
    return Library(postgres, open_bucket(read_object_storage(binding_root), "media"))


async def transcode(jobs: Jobs, file_id: UUID) -> None:
    job_id = await jobs.write("media.transcode", {"fileId": str(file_id)})
    await jobs.wait_done(job_id, seconds=CONVERT_SECONDS)


async def test_a_video_becomes_a_poster_and_two_playable_sizes(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4", size="854x480"))
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    rows = await library.read(file_id)
    assert {name: (row["status"], row["progress"]) for name, row in rows.items()} == dict.fromkeys(
        NAMES, ("done", 100)
    )
    sizes = {name: (row["width"], row["height"]) for name, row in rows.items()}
    assert sizes == {"poster": (854, 480), "360p": (640, 360), "720p": (854, 480)}
    for name in ("360p", "720p"):
        content = await library.get(rows[name]["object_key"])
        assert hashlib.sha256(content).digest() == rows[name]["sha256"]
        assert len(content) == rows[name]["size"]
        boxes = list_boxes(content)
        assert boxes.index("moov") < boxes.index("mdat"), "it can not be streamed"
        told = await asyncio.to_thread(probe, content, tmp_path)
        codecs = {stream["codec_name"] for stream in told["streams"]}
        assert codecs == {"h264", "aac"}
        assert float(told["format"]["duration"]) == pytest.approx(2, abs=0.3)
    poster = await library.get(rows["poster"]["object_key"])
    assert (poster[:4], poster[8:12]) == (b"RIFF", b"WEBP")
    file = await library.postgres.fetchrow("SELECT * FROM media_files WHERE id = $1", file_id)
    assert file is not None
    assert (file["width"], file["height"]) == (854, 480)
    assert file["duration_ms"] == pytest.approx(2000, abs=300)
    assert (await library.get(file["thumbnail_object_key"]))[8:12] == b"WEBP"


async def test_a_small_video_is_not_enlarged(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4", size="178x320", seconds=1))
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    rows = await library.read(file_id)
    sizes = {name: (row["width"], row["height"]) for name, row in rows.items()}
    assert sizes == {"poster": (178, 320), "360p": (178, 320)}


async def test_a_browsers_recording_is_converted_too(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    codec = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm")
    # Live: such a file tells no length.
    content = make_video(tmp_path / "v.webm", codec=codec, options=("-live", "1"), seconds=1)
    file_id = await library.add(content, content_type="video/webm")
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    assert {row["status"] for row in (await library.read(file_id)).values()} == {"done"}


def build_playlist(folder: Path) -> bytes:
    return f"#EXTM3U\n#EXTINF:1,\nfile://{folder}/secret\n#EXT-X-ENDLIST\n".encode()


def build_concat(folder: Path) -> bytes:
    return f"ffconcat version 1.0\nfile '{folder}/secret'\n".encode()


def build_svg(folder: Path) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{folder}/secret"/></svg>'.encode()


def build_truncated(folder: Path) -> bytes:
    content = make_video(folder / "whole.mp4", options=("-movflags", "+faststart"), seconds=4)
    return content[: len(content) // 2]


def build_headless(folder: Path) -> bytes:
    content = make_video(folder / "whole.mp4")
    return content[: len(content) // 2]


def build_bomb(folder: Path) -> bytes:
    # Sixty-seven million pixels in a file of some hundred kilobytes.
    codec = ("-c:v", "mpeg4", "-q:v", "31", "-an")
    return make_video(folder / "bomb.mp4", size="8190x8190", seconds=0.07, codec=codec)


def build_endless(folder: Path) -> bytes:
    # The header says that it lasts for years.
    content = bytearray(make_video(folder / "whole.mp4"))
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = content.index(box) + (24 if box == b"tkhd" else 20)
        content[at : at + 4] = b"\x7f\xff\xff\xff"
    return bytes(content)


def build_sound(folder: Path) -> bytes:
    return make_video(folder / "sound.mp4", codec=("-vn", "-c:a", "aac"))


def build_large(folder: Path) -> bytes:
    return make_video(folder / "large.mp4", size="4098x2306", seconds=0.2)


Build = Callable[[Path], bytes]


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (build_playlist, "not a video"),
        (build_concat, "not a video"),
        (build_svg, "not a video"),
        (build_headless, "not a video"),
        (build_truncated, "not complete|damaged"),
        (build_bomb, "not a video|larger|no moving"),
        (build_endless, "longer|damaged|not complete"),
        (build_sound, "no moving picture"),
        (build_large, "larger|not a video|no moving"),
    ],
)
async def test_hostile_media_is_refused_in_words_and_the_worker_goes_on(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path, build: Build, told: str
) -> None:
    (tmp_path / "secret").write_bytes(make_video(tmp_path / "s.mp4", seconds=1))
    hostile = await library.add(await asyncio.to_thread(build, tmp_path))
    async with run_worker(binding_root):
        await transcode(jobs, hostile)
        rows = await library.read(hostile)
        errors = {row["error"] for name, row in rows.items() if name != "poster"}
        assert {row["status"] for name, row in rows.items() if name != "poster"} == {"failed"}
        for error in errors:
            assert re.search(told, error), error
            assert str(tmp_path) not in error
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "none"}))
    keys = await library.list_keys()
    assert not [key for key in keys if key.endswith("p") and "renditions" in key]


async def test_a_type_that_is_not_converted_is_told(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4"), content_type="video/x-msvideo")
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    assert "video/x-msvideo" in (await library.read(file_id))["360p"]["error"]


async def test_more_than_the_limits_of_the_instance_is_told(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    content = make_video(tmp_path / "v.mp4", seconds=3)
    large, long = await library.add(content), await library.add(content)
    async with run_worker(binding_root, transcoding_max_source_size=len(content) - 1):
        await transcode(jobs, large)
    async with run_worker(binding_root, transcoding_max_duration_seconds=2):
        await transcode(jobs, long)
    assert "larger" in (await library.read(large))["poster"]["error"]
    assert "longer" in (await library.read(long))["poster"]["error"]


async def test_what_is_encrypted_is_never_opened(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4"), encrypted=True)
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    assert {row["status"] for row in (await library.read(file_id)).values()} == {"queued"}


async def test_a_worker_goes_on_where_another_was_killed(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4", size="854x480"))
    # As it was left: the poster is done, the next one was under way.
    query = """
        UPDATE media_renditions SET status = 'done', progress = 100, content_type = 'image/webp',
            size = 1, sha256 = sha256('x') WHERE file_id = $1 AND name = 'poster'
    """
    await library.postgres.execute(query, file_id)
    query = "UPDATE media_renditions SET status = 'running', progress = 40 WHERE name = '360p'"
    await library.postgres.execute(query)
    async with run_worker(binding_root):
        await transcode(jobs, file_id)
    rows = await library.read(file_id)
    assert rows["poster"]["size"] == 1
    assert {row["status"] for row in rows.values()} == {"done"}


async def wait_running(library: Library, file_id: UUID, name: str) -> None:
    async def is_running() -> bool:
        return bool((await library.read(file_id))[name]["status"] == "running")

    await wait_until(is_running, what=f"{name} to be made", seconds=CONVERT_SECONDS)


async def test_a_video_deleted_meanwhile_leaves_nothing_behind(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    content = await asyncio.to_thread(make_video, tmp_path / "v.mp4", size="1280x720", repeats=60)
    file_id = await library.add(content)
    async with run_worker(binding_root):
        job_id = await jobs.write("media.transcode", {"fileId": str(file_id)})
        await wait_running(library, file_id, "360p")
        await library.postgres.execute("DELETE FROM media_files WHERE id = $1", file_id)
        await jobs.wait_done(job_id, seconds=CONVERT_SECONDS)
    assert await library.list_keys() == [f"files/{file_id}"]


@pytest.mark.timeout(900)
async def test_a_long_video_holds_up_nothing_else_and_goes_on_after_the_worker_ended(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    content = await asyncio.to_thread(make_video, tmp_path / "v.mp4", size="640x360", repeats=60)
    file_id = await library.add(content)
    async with run_worker(binding_root, drain_seconds=0.2, worker_concurrency=1):
        job_id = await jobs.write("media.transcode", {"fileId": str(file_id)})
        await wait_running(library, file_id, "360p")
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "none"}))
        assert (await library.read(file_id))["360p"]["status"] == "running"
    async with run_worker(binding_root):

        async def is_done() -> bool:
            rows: dict[str, Any] = await library.read(file_id)
            return {row["status"] for row in rows.values()} == {"done"}

        await wait_until(is_done, what="all renditions", seconds=3 * CONVERT_SECONDS)
        await jobs.wait_done(job_id)


async def test_a_job_that_is_given_up_is_told_on_its_rows(
    binding_root: Path, library: Library, jobs: Jobs, tmp_path: Path
) -> None:
    file_id = await library.add(make_video(tmp_path / "v.mp4"))
    await obstore.delete_async(library.bucket, f"files/{file_id}")
    async with run_worker(binding_root):
        await jobs.write("media.transcode", {"fileId": str(file_id)})
        await jobs.wait_dead()

        async def is_told() -> bool:
            return bool((await library.read(file_id))["360p"]["status"] == "failed")

        await wait_until(is_told, what="the rows to say so")
    assert "could not convert" in (await library.read(file_id))["360p"]["error"]
