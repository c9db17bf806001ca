"""Videos and push on the node: inside restricted pods, through the edge, with strangers' files."""

import json
from importlib.resources import files
from typing import Any

import pytest
from support.instance import Instance, Member, wait_until

from supmessenger_cli.smoke.video import SAMPLE, check_playable
from supmessenger_cli.target import ClusterError

pytestmark = pytest.mark.node

SANDBOX = "supmessenger_worker.transcoding.sandbox"


async def upload(member: Member, content: bytes) -> str:
    """Store a file that calls itself a video; returns its path."""
    stored = await member.client.call_json(
        "POST", "/media/v1/files", files={"file": (SAMPLE, content, "video/mp4")}
    )
    return f"/media/v1/files/{stored['id']}"


async def wait_settled(member: Member, path: str) -> dict[str, dict[str, Any]]:
    """Wait until nothing of a file is queued or running; returns its renditions by name."""
    found: dict[str, dict[str, Any]] = {}

    async def is_settled() -> bool:
        answer = await member.client.call_json("GET", f"{path}/renditions")
        # What would repeat a smaller one is left out once the video was looked at.
        found.clear()
        found.update({one["name"]: one for one in answer["renditions"]})
        return {one["status"] for one in answer["renditions"]} <= {"done", "failed"}

    await wait_until(is_settled, timeout=90, what="all renditions")
    return found


def read_sample() -> bytes:
    return (files("supmessenger_cli.smoke") / SAMPLE).read_bytes()


async def count_restarts(instance: Instance, component: str) -> int:
    """Return how often a component's containers were started again."""
    return sum(
        status["restartCount"]
        for pod in await instance.pods()
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component
        for status in pod["status"]["containerStatuses"]
    )


async def test_a_broken_video_is_refused_in_words_and_a_sound_one_is_converted(
    demo: Instance,
) -> None:
    sample = read_sample()
    before = await count_restarts(demo, "worker")
    async with demo.member("alice") as alice, demo.member("bob") as bob:
        broken = await upload(alice, sample[: len(sample) // 2])
        sound = await upload(alice, sample)
        refused = await wait_settled(alice, broken)
        made = await wait_settled(alice, sound)
        assert {one["status"] for one in refused.values()} == {"failed"}
        assert all(one["error"] for one in refused.values())
        assert {(one["status"], one["progress"]) for one in made.values()} == {("done", 100)}
        answer = await alice.client.call("GET", f"{sound}/renditions/360p")
        check_playable(answer.content)
        # Nobody shares a chat with alice: for others there is no such file.
        for path in (f"{sound}/renditions", f"{sound}/renditions/360p"):
            hidden = await bob.client.call("GET", path, expect=(404,))
            assert hidden.json()["code"] == "file_not_found"
        early = await alice.client.call("GET", f"{broken}/renditions/360p", expect=(404,))
        assert early.json()["code"] == "no_rendition"
        for path in (broken, sound):
            await alice.client.call("DELETE", path)
    assert await count_restarts(demo, "worker") == before


async def test_the_sandbox_holds_in_the_workers_pod(demo: Instance) -> None:
    # 600 MiB, 20 s of CPU, files of 1000 bytes; it may read one file and write one folder.
    limits = (str(600 * 1024**2), "20", "1000", "/etc/hostname", "/tmp")
    where = ("exec", f"deployment/{demo.name}-worker", "-n", demo.namespace, "--")
    worker, python = "/opt/venv/bin/python", "/usr/bin/python3"

    async def run(code: str) -> str:
        command = (worker, "-I", "-m", SANDBOX, *limits, python, "-I", "-S", "-c", code)
        return await demo.kubectl.run(*where, *command)

    assert "fine" in await run("open('/etc/hostname').read(); print('fine')")
    for secret in ("/proc/1/environ", "/etc/passwd", "/opt/venv/bin/sup-worker"):
        with pytest.raises(ClusterError, match="PermissionError"):
            await run(f"open('{secret}').read()")
    with pytest.raises(ClusterError, match="PermissionError"):
        await run("import socket; socket.socket()")
    with pytest.raises(ClusterError, match="File too large"):
        await run("open('/tmp/large', 'wb').write(bytes(50_000))")
    with pytest.raises(ClusterError, match="MemoryError"):
        await run("bytearray(1 << 31)")
    version = await demo.kubectl.run(*where, "ffmpeg", "-version")
    assert version.startswith("ffmpeg version 5")


async def test_push_serves_the_public_key_and_refuses_other_hosts(demo: Instance) -> None:
    secret = await demo.get("secret", f"{demo.name}-web-push-public")
    async with demo.member("alice") as alice:
        told = await alice.client.call_json("GET", "/api/v1/push/web-push-key")
        assert secret["data"]["public-key"]
        assert len(told["publicKey"]) == 87
        keys = {"p256dh": told["publicKey"], "auth": "AAAAAAAAAAAAAAAAAAAAAA"}
        for endpoint in ("https://demo-postgres:5432/", "http://demo-api:3000/internal", "x"):
            body = {"provider": "web_push", "subscription": {"endpoint": endpoint, "keys": keys}}
            answer = await alice.client.call(
                "PUT", "/api/v1/devices/current/push", json=body, expect=(422,)
            )
            assert answer.json()["code"] == "endpoint_refused"


async def test_the_checker_looks_at_push(demo: Instance) -> None:
    path = f"/api/v1/namespaces/{demo.namespace}/services/{demo.name}-worker:http/proxy/v1/checks"
    report = json.loads(await demo.kubectl.run("get", "--raw", path))
    (check,) = [one for one in report["checks"] if one["name"] == "push"]
    assert check["ok"], check["message"]
