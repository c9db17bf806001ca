"""Renditions over HTTP: queued with the upload, shown to whoever may see the file."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import obstore
import orjson
import pytest
from support.media_service import DOMAIN, Media, Person, run_app

from supmessenger_common.bindings import read_object_storage
from supmessenger_common.objects import open_bucket
from supmessenger_media.main import build_app
from supmessenger_media.settings import MediaSettings

pytestmark = pytest.mark.services

# Enough of an MP4 to be recognized; what it really is the worker finds out.
VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(2000)
BYTES = bytes(range(256)) * 40


@pytest.fixture
async def studio(media: Media) -> AsyncIterator[Media]:
    """The service with videos switched on."""
    settings = MediaSettings(
        SERVICE_BINDING_ROOT=media.bindings, domain=DOMAIN, transcoding_enabled=True
    )
    app = build_app(settings)
    async with run_app(app, settings) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            yield Media(client, app, port, media.postgres, media.bindings)


async def upload(studio: Media, person: Person, content: bytes = VIDEO, **fields: str) -> str:
    answer = await studio.upload(person, content, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def list_renditions(studio: Media, person: Person, file_id: str) -> Any:
    path = f"/v1/files/{file_id}/renditions"
    return (await studio.client.get(path, headers=person.headers)).json()


async def read_jobs(studio: Media, kind: str) -> list[Any]:
    rows = await studio.postgres.fetch("SELECT payload FROM outbox WHERE kind = $1", kind)
    return [orjson.loads(row["payload"]) for row in rows]


async def finish(studio: Media, file_id: str, name: str) -> None:
    """Do what the worker does."""
    key = f"renditions/{file_id}/{name}"
    bucket = open_bucket(read_object_storage(studio.bindings), "media")
    await obstore.put_async(bucket, key, BYTES)
    query = """
        UPDATE media_renditions SET status = 'done', progress = 100, content_type = 'video/mp4',
            size = $3, sha256 = $4, width = 640, height = 360
        WHERE file_id = $1 AND name = $2
    """
    digest = hashlib.sha256(BYTES).digest()
    await studio.postgres.execute(query, file_id, name, len(BYTES), digest)


async def test_a_video_leaves_a_job_and_its_renditions_wait(studio: Media) -> None:
    ada = await studio.register("ada")
    file_id = await upload(studio, ada)
    told = await list_renditions(studio, ada, file_id)
    assert told == {
        "renditions": [
            {"name": name, "status": "queued", "progress": 0} for name in ("poster", "360p", "720p")
        ]
    }
    assert await read_jobs(studio, "media.transcode") == [{"fileId": file_id}]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (VIDEO, {"encrypted": "true"}),
        (b"#EXTM3U\n#EXT-X-ENDLIST\n", {}),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}),
        (b"RIFF\x00\x00\x00\x00AVI LIST", {}),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(100), {}),
    ],
)
async def test_what_is_encrypted_or_no_video_leaves_none(
    studio: Media, content: bytes, fields: dict[str, str]
) -> None:
    ada = await studio.register("ada")
    file_id = await upload(studio, ada, content, **fields)
    assert await list_renditions(studio, ada, file_id) == {"renditions": []}
    assert await read_jobs(studio, "media.transcode") == []


async def test_without_transcoding_a_video_is_a_file_like_any_other(media: Media) -> None:
    ada = await media.register("ada")
    file_id = await upload(media, ada)
    assert await list_renditions(media, ada, file_id) == {"renditions": []}
    assert await read_jobs(media, "media.transcode") == []


async def test_a_rendition_is_downloaded_like_a_file(studio: Media) -> None:
    ada = await studio.register("ada")
    file_id = await upload(studio, ada)
    path = f"/v1/files/{file_id}/renditions/360p"
    early = await studio.client.get(path, headers=ada.headers)
    assert (early.status_code, early.json()["code"]) == (404, "no_rendition")
    await finish(studio, file_id, "360p")

    whole = await studio.client.get(path, headers=ada.headers)
    assert (whole.status_code, whole.content) == (200, BYTES)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["x-content-type-options"] == "nosniff"
    etag = whole.headers["etag"]
    assert etag == f'"{hashlib.sha256(BYTES).hexdigest()}"'
    part = await studio.client.get(path, headers={**ada.headers, "Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, BYTES[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(BYTES)}"
    beyond = await studio.client.get(path, headers={**ada.headers, "Range": "bytes=999999-"})
    assert beyond.status_code == 416
    known = await studio.client.get(path, headers={**ada.headers, "If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    head = await studio.client.head(path, headers=ada.headers)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(BYTES)))


async def test_who_may_not_see_the_file_sees_no_rendition(studio: Media) -> None:
    ada, bob, eve = [await studio.register(name) for name in ("ada", "bob", "eve")]
    chat = await studio.create_chat(ada, bob)
    file_id = await upload(studio, ada, chatId=str(chat))
    await finish(studio, file_id, "360p")
    for path in ("renditions", "renditions/360p"):
        url = f"/v1/files/{file_id}/{path}"
        assert (await studio.client.get(url, headers=bob.headers)).status_code == 200
        hidden = await studio.client.get(url, headers=eve.headers)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "file_not_found")
        assert (await studio.client.get(url)).status_code == 401


@pytest.mark.parametrize("name", ["../../files", "360P", "a" * 17])
async def test_a_name_that_is_none_is_refused(studio: Media, name: str) -> None:
    ada = await studio.register("ada")
    file_id = await upload(studio, ada)
    answer = await studio.client.get(f"/v1/files/{file_id}/renditions/{name}", headers=ada.headers)
    assert answer.status_code in (404, 405, 422)


async def test_renditions_leave_with_their_file(studio: Media) -> None:
    ada = await studio.register("ada")
    file_id = await upload(studio, ada)
    await finish(studio, file_id, "360p")
    answer = await studio.client.delete(f"/v1/files/{file_id}", headers=ada.headers)
    assert answer.status_code == 204
    assert await studio.postgres.fetchval("SELECT count(*) FROM media_renditions") == 0
    keys = {job["objectKey"] for job in await read_jobs(studio, "media.delete")}
    names = ("poster", "360p", "720p")
    assert keys == {f"files/{file_id}", *(f"renditions/{file_id}/{name}" for name in names)}
