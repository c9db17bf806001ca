"""Video: an upload becomes a poster and playable renditions, with progress."""

import asyncio
from importlib.resources import files
from typing import Any

from supmessenger_cli.conversation import SmokeFailure
from supmessenger_cli.smoke.stage import Stage

# Three seconds of a test picture with a tone: 43 kB of H.264 and AAC.
SAMPLE = "sample.mp4"
CONVERTED_SECONDS = 120.0
POLL_SECONDS = 0.5


async def check_video(stage: Stage) -> None:
    """Share a video in the chat and play what becomes of it, where videos are converted."""
    media = stage.resource["spec"].get("media") or {}
    if (media.get("transcoding") or {}).get("enabled", True) is False:
        return
    video = (files("supmessenger_cli.smoke") / SAMPLE).read_bytes()
    async with stage.story.step("alice: a video uploaded to the chat"):
        stored = await stage.alice.client.call_json(
            "POST",
            "/media/v1/files",
            data={"chatId": stage.chat},
            files={"file": (SAMPLE, video, "video/mp4")},
        )
    path = f"/media/v1/files/{stored['id']}"
    async with stage.story.step("media: poster and rendition are made, progress is told"):
        renditions = await wait_for_renditions(stage, f"{path}/renditions")
        check_renditions(renditions)
    async with stage.story.step("bob: the rendition is a video that plays from its first bytes"):
        first = await stage.bob.client.call(
            "GET", f"{path}/renditions/360p", headers={"Range": "bytes=0-1023"}, expect=(206,)
        )
        whole = await stage.bob.client.call("GET", f"{path}/renditions/360p")
        if not whole.content.startswith(first.content):
            raise SmokeFailure("a range is not what the whole begins with")
        check_playable(whole.content)
        poster = await stage.bob.client.call("GET", f"{path}/thumbnail")
        if poster.content[8:12] != b"WEBP":
            raise SmokeFailure("the thumbnail is no WebP picture")
    async with stage.story.step("alice: the video deleted, nothing of it is shown any more"):
        await stage.alice.client.call("DELETE", path)
        await stage.bob.client.call("GET", f"{path}/renditions/360p", expect=(404,))


async def wait_for_renditions(stage: Stage, path: str) -> list[dict[str, Any]]:
    """Wait until every rendition is done or failed; TimeoutError otherwise."""
    async with asyncio.timeout(CONVERTED_SECONDS):
        while True:
            answer = await stage.bob.client.call_json("GET", path)
            renditions: list[dict[str, Any]] = answer["renditions"]
            if {one["status"] for one in renditions} <= {"done", "failed"}:
                return renditions
            await asyncio.sleep(POLL_SECONDS)


def check_renditions(renditions: list[dict[str, Any]]) -> None:
    """Raise SmokeFailure unless poster and video were made to the end."""
    for one in renditions:
        if one["status"] != "done" or one["progress"] != 100:
            raise SmokeFailure(f"{one['name']} is {one['status']}: {one.get('error')}")
    if {one["name"] for one in renditions} != {"poster", "360p"}:
        raise SmokeFailure(f"a video of 360 lines became {[one['name'] for one in renditions]}")


def check_playable(content: bytes) -> None:
    """Raise SmokeFailure unless this is an MP4 whose index comes before its pictures."""
    boxes = list_boxes(content)
    if boxes[:1] != ["ftyp"] or "moov" not in boxes or "mdat" not in boxes:
        raise SmokeFailure(f"the rendition is no MP4: {boxes}")
    if boxes.index("moov") > boxes.index("mdat"):
        raise SmokeFailure("the rendition can not be played while it loads")
    if b"avc1" not in content or b"mp4a" not in content:
        raise SmokeFailure("the rendition has no H.264 picture or no AAC sound")


def list_boxes(content: bytes) -> list[str]:
    """Return the names of an MP4's outermost boxes (ISO/IEC 14496-12), in order."""
    names: list[str] = []
    position = 0
    while position + 8 <= len(content):
        length = int.from_bytes(content[position : position + 4])
        names.append(content[position + 4 : position + 8].decode("latin-1"))
        if length < 8:
            break
        position += length
    return names
