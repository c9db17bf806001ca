"""A device that was left alone because it was connected is looked at once more."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from support.push_scene import Scene, announce, run, say_connected
from support.push_sink import PushSink
from support.worker_service import Jobs

pytestmark = pytest.mark.services


async def find_look(scene: Scene) -> tuple[UUID, dict[str, Any], timedelta]:
    """Return id, payload and delay of the only second look that waits."""
    (row,) = await scene.postgres.fetch("SELECT * FROM outbox WHERE kind = 'push.look'")
    return row["id"], orjson.loads(row["payload"]), row["available_at"] - row["created_at"]


async def look_now(scene: Scene, jobs: Jobs) -> None:
    look, _, _ = await find_look(scene)
    await scene.postgres.execute("UPDATE outbox SET available_at = now()")
    await jobs.wait_done(look)


async def test_a_device_whose_socket_was_half_open_is_woken_by_a_second_look(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, *others = [await scene.join(name) for name in ("ada", "half", "on", "bob")]
    half, online, bob = (device for _, device in others)
    chat = await scene.chat(ada[0], *(user for user, _ in others))
    for device in (half, online, bob):
        await scene.register(device, "fcm", f"phone-{device}")
    await say_connected(binding_root, half, online)
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
        assert [push.to for push in sink.find()] == [f"phone-{bob}"]
        _, payload, delay = await find_look(scene)
        assert set(payload["deviceIds"]) == {str(half), str(online)}
        # Longer than a silent socket lives: 25 s to the ping, 20 s for the pong, 25 s to the cut.
        assert timedelta(seconds=70) < delay < timedelta(seconds=100)
        await say_connected(binding_root, half, connected=False)
        await look_now(scene, jobs)
    assert [push.to for push in sink.find()] == [f"phone-{bob}", f"phone-{half}"]
    # Nobody is looked at a third time.
    assert await scene.postgres.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize("since", ["read", "superseded", "muted", "unlinked"])
async def test_a_second_look_wakes_nobody_who_needs_it_no_more(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs, since: str
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    await say_connected(binding_root, bob[1])
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
        await say_connected(binding_root, bob[1], connected=False)
        await change(scene, since, chat=chat, ada=ada, bob=bob)
        await look_now(scene, jobs)
    assert sink.find() == []


async def change(
    scene: Scene, since: str, *, chat: UUID, ada: tuple[UUID, UUID], bob: tuple[UUID, UUID]
) -> None:
    if since == "read":
        query = "INSERT INTO message_reads (chat_id, user_id, last_read_seq) VALUES ($1, $2, 1)"
        await scene.postgres.execute(query, chat, bob[0])
    elif since == "superseded":
        await scene.write(chat, ada, 2)
    elif since == "muted":
        query = "INSERT INTO chat_settings (chat_id, user_id, muted_until) VALUES ($1, $2, $3)"
        await scene.postgres.execute(query, chat, bob[0], datetime.max)
    else:
        await scene.postgres.execute("UPDATE devices SET revoked_at = now() WHERE id = $1", bob[1])


async def test_a_job_that_is_done_twice_leaves_one_second_look(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    await say_connected(binding_root, bob[1])
    payload = await scene.write(chat, ada, 1)
    async with run(binding_root, sink):
        job = await jobs.write("push.message", payload)
        await jobs.wait_done(job)
        # As a worker that died before it remembered the job.
        await scene.postgres.execute("DELETE FROM jobs_done WHERE id = $1", job)
        await jobs.write("push.message", payload, job_id=job)
        await jobs.wait_done(job)
        await say_connected(binding_root, bob[1], connected=False)
        await look_now(scene, jobs)
    assert [push.to for push in sink.find()] == ["bobs-phone"]


async def test_a_second_look_that_waited_for_hours_wakes_nobody(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "bobs-phone")
    await say_connected(binding_root, bob[1])
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
        await say_connected(binding_root, bob[1], connected=False)
        await scene.postgres.execute("UPDATE outbox SET created_at = now() - interval '2 hours'")
        await look_now(scene, jobs)
    assert sink.find() == []


async def test_a_second_look_that_meets_a_busy_provider_is_tried_again_as_any_other(
    binding_root: Path, sink: PushSink, scene: Scene, jobs: Jobs
) -> None:
    ada, bob = await scene.join("ada"), await scene.join("bob")
    chat = await scene.chat(ada[0], bob[0])
    await scene.register(bob[1], "fcm", "busy-phone")
    await say_connected(binding_root, bob[1])
    async with run(binding_root, sink):
        await announce(jobs, await scene.write(chat, ada, 1))
        await say_connected(binding_root, bob[1], connected=False)
        await look_now(scene, jobs)
        row = await scene.postgres.fetchrow("SELECT * FROM outbox")
    assert row is not None
    assert row["kind"] == "push.deliver"
    assert orjson.loads(row["payload"])["deviceId"] == str(bob[1])
