"""A device that was left alone because it was connected is looked at once more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from support.push_scene import Scene, Talk, build_phone
from support.push_sink import PushSink

pytestmark = pytest.mark.services


async def find_look(scene: Scene) -> tuple[UUID, dict[str, Any], timedelta]:
    """Return id, payload and delay of the only second look that waits."""
    (row,) = await scene.postgres.fetch("SELECT * FROM outbox WHERE kind = 'push.look'")
    return row["id"], orjson.loads(row["payload"]), row["available_at"] - row["created_at"]


async def look_now(scene: Scene) -> None:
    look, _, _ = await find_look(scene)
    await scene.postgres.execute("UPDATE outbox SET available_at = now()")
    await scene.jobs.wait_done(look)


@asynccontextmanager
async def pass_over(scene: Scene, sink: PushSink, phone: str) -> AsyncIterator[Talk]:
    """Announce a message while a device seems connected, which it is not any more; then look."""
    talk = await scene.open_talk(build_phone(phone))
    (bob,) = talk.others
    await scene.say_connected(bob.device)
    async with scene.run(sink):
        await talk.announce()
        await scene.say_connected(bob.device, connected=False)
        yield talk
        await look_now(scene)


async def test_a_device_whose_socket_was_half_open_is_woken_by_a_second_look(
    sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(*map(build_phone, ("half", "online", "bob")))
    half, online, _ = (person.device for person in talk.others)
    await scene.say_connected(half, online)
    async with scene.run(sink):
        await talk.announce()
        assert [push.to for push in sink.find()] == ["bob"]
        _, payload, delay = await find_look(scene)
        assert set(payload["deviceIds"]) == {str(half), str(online)}
        # Longer than a silent socket lives: 25 s to the ping, 20 s for the pong, 25 s to the cut.
        assert timedelta(seconds=70) < delay < timedelta(seconds=100)
        await scene.say_connected(half, connected=False)
        await look_now(scene)
    assert [push.to for push in sink.find()] == ["bob", "half"]
    # Nobody is looked at a third time.
    assert await scene.jobs.is_relayed()


@pytest.mark.parametrize("since", ["read", "superseded", "muted", "unlinked"])
async def test_a_second_look_wakes_nobody_who_needs_it_no_more(
    sink: PushSink, scene: Scene, since: str
) -> None:
    async with pass_over(scene, sink, "bobs-phone") as talk:
        await change(talk, since)
    assert sink.find() == []


async def change(talk: Talk, since: str) -> None:
    (bob,) = talk.others
    if since == "read":
        await talk.read(bob)
    elif since == "superseded":
        await talk.write(2)
    elif since == "muted":
        await talk.mute(bob, until=datetime.max)
    else:
        query = "UPDATE devices SET revoked_at = now() WHERE id = $1"
        await talk.scene.postgres.execute(query, bob.device)


async def test_a_job_that_is_done_twice_leaves_one_second_look(
    sink: PushSink, scene: Scene
) -> None:
    talk = await scene.open_talk(build_phone("bobs-phone"))
    (bob,) = talk.others
    await scene.say_connected(bob.device)
    payload = await talk.write()
    async with scene.run(sink):
        job = await scene.jobs.write("push.message", payload)
        await scene.jobs.wait_done(job)
        # As a worker that died before it remembered the job.
        await scene.postgres.execute("DELETE FROM jobs_done WHERE id = $1", job)
        await scene.jobs.write("push.message", payload, job_id=job)
        await scene.jobs.wait_done(job)
        await scene.say_connected(bob.device, connected=False)
        await look_now(scene)
    assert [push.to for push in sink.find()] == ["bobs-phone"]


async def test_a_second_look_that_waited_for_hours_wakes_nobody(
    sink: PushSink, scene: Scene
) -> None:
    async with pass_over(scene, sink, "bobs-phone"):
        await scene.postgres.execute("UPDATE outbox SET created_at = now() - interval '2 hours'")
    assert sink.find() == []


async def test_a_second_look_that_meets_a_busy_provider_is_tried_again_as_any_other(
    sink: PushSink, scene: Scene
) -> None:
    async with pass_over(scene, sink, "busy-phone") as talk:
        pass
    row = await scene.postgres.fetchrow("SELECT * FROM outbox")
    assert row is not None
    assert row["kind"] == "push.deliver"
    assert orjson.loads(row["payload"])["deviceId"] == str(talk.others[0].device)
