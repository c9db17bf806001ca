"""Pictures over HTTP: thumbnails, avatars, and what a bomb does to the service."""

from __future__ import annotations

import asyncio
import hashlib
import time

import pytest
import pyvips
from support.media_service import Media
from support.pictures import build_bomb, draw, is_red

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [(".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp")],
)
async def test_a_picture_gets_a_thumbnail(media: Media, suffix: str, content_type: str) -> None:
    ada = await media.register("ada")
    content = draw(900, 600).write_to_buffer(suffix, keep="none")

    body = (await media.upload(ada, content, filename=f"a{suffix}")).json()

    assert body["contentType"] == content_type
    assert (body["width"], body["height"], body["thumbnail"]) == (900, 600, True)
    # A picture that tells nothing beside itself stays as it was sent, to the byte.
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    url = f"/v1/files/{body['id']}/thumbnail"
    answer = await media.client.get(url, headers=ada.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    thumbnail = pyvips.Image.new_from_buffer(answer.content, "")
    assert (thumbnail.width, thumbnail.height) == (320, 213)
    assert is_red(thumbnail, 20, 100)
    headers = {**ada.headers, "If-None-Match": answer.headers["etag"]}
    assert (await media.client.get(url, headers=headers)).status_code == 304


async def test_a_picture_is_stored_without_what_it_tells_beside_itself(media: Media) -> None:
    ada = await media.register("ada")
    picture = draw(400, 200).copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", 6)
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Camera of somebody")
    content = picture.write_to_buffer(".jpg", Q=95)
    assert b"Camera" in content

    body = (await media.upload(ada, content, filename="a.jpg")).json()

    assert (body["width"], body["height"], body["thumbnail"]) == (200, 400, True)
    back = (await media.client.get(f"/v1/files/{body['id']}", headers=ada.headers)).content
    assert (len(back), hashlib.sha256(back).hexdigest()) == (body["size"], body["sha256"])
    assert b"Camera" not in back
    shown = pyvips.Image.new_from_buffer(back, "")
    assert (shown.width, shown.height, shown.get("orientation")) == (400, 200, 6)
    encrypted = (await media.upload(ada, content, encrypted="true")).json()
    assert encrypted["sha256"] == hashlib.sha256(content).hexdigest()


async def test_a_damaged_picture_is_refused(media: Media) -> None:
    ada = await media.register("ada")
    answer = await media.upload(ada, draw(400, 200).write_to_buffer(".jpg")[:-100])
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_refused")
    assert answer.json()["reason"] == "unreadable"


async def test_a_file_without_a_thumbnail_says_so(media: Media) -> None:
    ada = await media.register("ada")
    file_id = (await media.upload(ada, b"%PDF-1.7")).json()["id"]
    answer = await media.client.get(f"/v1/files/{file_id}/thumbnail", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_thumbnail")


async def test_an_avatar_is_stored_without_its_metadata_and_shown_to_everyone_logged_in(
    media: Media,
) -> None:
    ada, bob = await media.register("ada"), await media.register("bob")
    picture = draw(400, 200).copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", 6)
    picture.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Camera of somebody")

    answer = await media.upload(ada, picture.write_to_buffer(".jpg"), purpose="avatar")

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["width"], body["height"], body["thumbnail"]) == (200, 400, True)
    back = await media.client.get(f"/v1/files/{body['id']}", headers=bob.headers)
    assert hashlib.sha256(back.content).hexdigest() == body["sha256"]
    assert len(back.content) == body["size"]
    assert b"Camera" not in back.content
    assert is_red(pyvips.Image.new_from_buffer(back.content, ""), 100, 10)
    assert (await media.client.get(f"/v1/files/{body['id']}")).status_code == 401


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
async def test_an_avatar_that_is_no_picture_is_refused(media: Media, content: bytes) -> None:
    ada = await media.register("ada")
    answer = await media.upload(ada, content, purpose="avatar")
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_refused")


async def test_a_bomb_is_refused_quickly_while_the_service_answers(media: Media) -> None:
    ada = await media.register("ada")
    bomb = build_bomb(20_000, 20_000)
    began = time.monotonic()
    answers = asyncio.gather(
        *(media.upload(ada, bomb, purpose="avatar") for _ in range(3)), media.upload(ada, bomb)
    )
    slowest = 0.0
    while not answers.done():
        asked = time.monotonic()
        assert (await media.client.get("/healthz")).status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
        await asyncio.sleep(0.02)
    *avatars, attachment = await answers
    assert [answer.status_code for answer in avatars] == [422] * 3
    assert avatars[0].json()["reason"] == "too_many_pixels"
    # As a plain file it does no harm: it is stored, and never opened.
    assert (attachment.status_code, attachment.json()["thumbnail"]) == (201, False)
    assert time.monotonic() - began < 20
    assert slowest < 2
