"""Files over HTTP, against the real database and object store."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator

import pytest
from support.media_service import Media
from support.waiting import wait_until

pytestmark = pytest.mark.services
PDF = b"%PDF-1.7\n" + os.urandom(3000)


async def test_what_was_uploaded_comes_back_byte_for_byte(media: Media) -> None:
    ada = await media.register("ada")
    content = os.urandom(12 * 1024 * 1024 + 7)

    answer = await media.upload(ada, content)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["size"] == len(content)
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert body["contentType"] == "application/octet-stream"
    assert body["thumbnail"] is False
    back = await media.client.get(f"/v1/files/{body['id']}", headers=ada.headers)
    assert back.status_code == 200
    assert back.content == content
    assert back.headers["etag"] == f'"{body["sha256"]}"'


async def test_an_empty_file_is_a_file(media: Media) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, b"")).json()["id"]
    back = await media.client.get(
        f"/v1/files/{file_id}", headers={**ada.headers, "Range": "bytes=0-9"}
    )
    assert (back.status_code, back.content) == (200, b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=2900-", 2900, 3009), ("bytes=-9", 3000, 3009)],
)
async def test_a_range_is_answered_with_just_that(
    media: Media, asked: str, start: int, end: int
) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, PDF)).json()["id"]
    answer = await media.client.get(f"/v1/files/{file_id}", headers={**ada.headers, "Range": asked})
    assert answer.status_code == 206
    assert answer.content == PDF[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(PDF)}"
    assert answer.headers["content-length"] == str(end - start)


async def test_a_range_behind_the_end_is_refused_with_the_size(media: Media) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, PDF)).json()["id"]
    answer = await media.client.get(
        f"/v1/files/{file_id}", headers={**ada.headers, "Range": "bytes=9999-"}
    )
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(PDF)}"
    assert answer.json()["code"] == "range_not_satisfiable"


async def test_if_range_of_another_version_gives_the_whole_file(media: Media) -> None:
    ada = await media.register("ada")
    body = (await media.upload(ada, PDF)).json()
    headers = {**ada.headers, "Range": "bytes=0-9"}
    url = f"/v1/files/{body['id']}"
    other = await media.client.get(url, headers={**headers, "If-Range": '"other"'})
    same = await media.client.get(url, headers={**headers, "If-Range": f'"{body["sha256"]}"'})
    assert (other.status_code, len(other.content)) == (200, len(PDF))
    assert (same.status_code, len(same.content)) == (206, 10)


async def test_a_known_etag_is_not_sent_again(media: Media) -> None:
    ada = await media.register("ada")
    body = (await media.upload(ada, PDF)).json()
    answer = await media.client.get(
        f"/v1/files/{body['id']}", headers={**ada.headers, "If-None-Match": f'"{body["sha256"]}"'}
    )
    assert (answer.status_code, answer.content) == (304, b"")


async def test_head_tells_what_a_download_would(media: Media) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, PDF, filename="a b.pdf")).json()["id"]
    answer = await media.client.head(f"/v1/files/{file_id}", headers=ada.headers)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(PDF))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20b.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_members_of_the_chat_see_its_file_and_nobody_else(media: Media) -> None:
    ada, bob, eve = [await media.register(name) for name in ("ada", "bob", "eve")]
    chat_id = await media.create_chat(ada, bob)
    file_id = (await media.upload(ada, PDF, chatId=str(chat_id))).json()["id"]
    url = f"/v1/files/{file_id}"
    assert (await media.client.get(url, headers=bob.headers)).content == PDF
    for method in ("GET", "HEAD", "DELETE"):
        refused = await media.client.request(method, url, headers=eve.headers)
        assert refused.status_code == 404
    assert (await media.client.get(url)).status_code == 401


async def test_nobody_uploads_to_a_chat_of_others(media: Media) -> None:
    ada, eve = await media.register("ada"), await media.register("eve")
    chat_id = await media.create_chat(ada)
    answer = await media.upload(eve, PDF, chatId=str(chat_id))
    assert (answer.status_code, answer.json()["code"]) == (404, "chat_not_found")
    assert await media.postgres.fetchval("SELECT count(*) FROM media_files") == 0


async def test_an_ended_session_sees_nothing(media: Media) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, PDF)).json()["id"]
    await media.end_session(ada)
    answer = await media.client.get(f"/v1/files/{file_id}", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


async def test_only_its_owner_deletes_a_file_and_the_object_follows_by_a_job(media: Media) -> None:
    ada, bob = await media.register("ada"), await media.register("bob")
    chat_id = await media.create_chat(ada, bob)
    file_id = (await media.upload(ada, PDF, chatId=str(chat_id))).json()["id"]
    url = f"/v1/files/{file_id}"

    refused = await media.client.delete(url, headers=bob.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_owner")
    assert (await media.client.get(url, headers=ada.headers)).content == PDF

    deleted = await media.client.delete(url, headers=ada.headers)
    assert deleted.status_code == 204
    assert (await media.client.get(url, headers=ada.headers)).status_code == 404
    jobs = await media.postgres.fetch("SELECT kind, payload ->> 'objectKey' AS key FROM outbox")
    assert [(job["kind"], job["key"]) for job in jobs] == [("media.delete", f"files/{file_id}")]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_over_the_limit_is_refused(media: Media, declared: bool) -> None:
    ada = await media.register("ada")
    limit = media.app.state.max_upload_size
    content = b"x" * (limit + (1024 * 1024 if declared else 1))
    if declared:
        answer = await media.upload(ada, content)
    else:
        answer = await media.client.post(
            "/v1/files", headers=build_form_headers(ada.headers), content=stream_form(content)
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert (
        await media.postgres.fetchval("SELECT count(*) FROM media_files WHERE status <> 'failed'")
        == 0
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"purpose": "wallpaper"}, "purpose"),
        ({"encrypted": "yes"}, "encrypted"),
        ({"chatId": "1"}, "chatId"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_field_is_named(media: Media, fields: dict[str, str], named: str) -> None:
    ada = await media.register("ada")
    answer = await media.upload(ada, PDF, **fields)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [named]


async def test_a_body_that_is_no_form_is_refused(media: Media) -> None:
    ada = await media.register("ada")
    plain = await media.client.post("/v1/files", headers=ada.headers, json={})
    assert plain.status_code == 415
    broken = await media.client.post(
        "/v1/files", headers=build_form_headers(ada.headers), content=b"--nothing"
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_form")


async def test_an_upload_that_is_cut_leaves_nothing_to_be_seen(media: Media) -> None:
    ada = await media.register("ada")
    _, writer = await asyncio.open_connection("127.0.0.1", media.port)
    writer.write(
        f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.token}\r\n"
        "Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 9000000\r\n\r\n"
        '--cut\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
        + b"x" * 7_000_000
    )
    await writer.drain()
    await wait_for_status(media, "uploading")
    writer.transport.abort()
    await wait_for_status(media, "failed")
    assert (
        await media.postgres.fetchval("SELECT count(*) FROM media_files WHERE status = 'ready'")
        == 0
    )


async def test_encrypted_bytes_are_opaque_also_when_they_look_like_a_picture(
    media: Media,
) -> None:
    ada = await media.register("ada")
    content = b"\x89PNG\r\n\x1a\n" + os.urandom(2000)
    files = [("file", ("secret.png", content)), ("thumbnail", ("t", b"sealed"))]
    answer = await media.client.post(
        "/v1/files", headers=ada.headers, data={"encrypted": "true"}, files=files
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["contentType"] == "application/octet-stream"
    assert body["thumbnail"] is True
    url = f"/v1/files/{body['id']}"
    back = await media.client.get(url, headers=ada.headers)
    assert back.content == content
    assert back.headers["content-disposition"] == "attachment"
    sealed = await media.client.get(f"{url}/thumbnail", headers=ada.headers)
    assert sealed.content == b"sealed"
    assert sealed.headers["content-type"] == "application/octet-stream"


async def test_readiness_names_the_database_when_it_is_away(media: Media) -> None:
    assert (await media.client.get("/readyz")).status_code == 200
    names = {check["name"] for check in (await media.client.get("/readyz")).json()["checks"]}
    assert names == {"postgres", "object-storage"}


async def wait_for_status(media: Media, status: str) -> None:
    async def holds() -> bool:
        return bool(await media.postgres.fetchval("SELECT status FROM media_files") == status)

    await wait_until(holds, what=f"an upload that is {status}")


def build_form_headers(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Content-Type": "multipart/form-data; boundary=edge"}


async def stream_form(content: bytes) -> AsyncIterator[bytes]:
    yield b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]
    yield b"\r\n--edge--\r\n"
