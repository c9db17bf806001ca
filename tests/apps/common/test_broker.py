"""Jobs on their way through RabbitMQ."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supmessenger_common.bindings import read_rabbitmq
from supmessenger_common.broker import (
    DEAD_QUEUE,
    Job,
    build_job_body,
    compute_routing_key,
    declare_topology,
    open_broker,
    open_channel,
    parse_job_body,
    probe_broker,
    publish_job,
)
from supmessenger_common.identifiers import create_id

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def build_job(kind: str = "email.verification") -> Job:
    return Job(id=create_id(), kind=kind, payload={"n": 1}, created_at=NOW)


def test_a_job_survives_its_message() -> None:
    job = build_job()
    assert parse_job_body(build_job_body(job)) == job


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 1}', b"\xff"])
def test_what_is_no_job_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a job"):
        parse_job_body(body)


def test_a_kind_without_a_queue_is_refused() -> None:
    assert compute_routing_key("media.delete") == "media"
    with pytest.raises(ValueError, match="no queue takes"):
        compute_routing_key("fax.send")


def test_what_takes_long_has_a_queue_of_its_own() -> None:
    assert compute_routing_key("media.transcode") == "transcoding"


@pytest.mark.services
async def test_a_published_job_is_in_its_queue_and_dead_letters_in_theirs(
    rabbitmq_binding: Path, bindings_folder: Path
) -> None:
    connection = await open_broker(read_rabbitmq(bindings_folder), name="test")
    async with connection:
        channel = await open_channel(connection, prefetch=1)
        topology = await declare_topology(channel)
        assert await declare_topology(channel)  # a second service declares the same
        await probe_broker(connection)
        job = build_job()
        await publish_job(topology.exchange, job)
        message = await topology.queues["email"].get(timeout=30)
        assert message is not None
        assert parse_job_body(message.body) == job
        assert (message.message_id, message.type) == (str(job.id), job.kind)
        await message.reject(requeue=False)
        async with asyncio.timeout(30), topology.dead.iterator() as dead_letters:
            async for dead in dead_letters:
                assert parse_job_body(dead.body) == job
                assert dead.routing_key == DEAD_QUEUE
                await dead.ack()
                break
    with pytest.raises(ConnectionError):
        await probe_broker(connection)
