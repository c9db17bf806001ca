"""A job of a kind that a worker does not know: beside it, during an update, runs one that does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from support.waiting import wait_until
from support.worker_service import Jobs, run_worker

from supmessenger_common.bindings import read_rabbitmq
from supmessenger_common.broker import DEAD_QUEUE, Job, build_job_body, open_broker, open_channel
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_worker.consumer import Consumer
from supmessenger_worker.jobs.registry import Handler, Lane
from supmessenger_worker.jobs_done import JobsDone
from supmessenger_worker.queues import JobQueues
from supmessenger_worker.retries import RetryPolicy

pytestmark = pytest.mark.services
KIND = "media.invented"
# Long enough to change workers in between.
POLICY = RetryPolicy(delays=(timedelta(seconds=4),))


@asynccontextmanager
async def run_consumer(
    bindings: Path, jobs: Jobs, handlers: Mapping[str, Handler]
) -> AsyncIterator[None]:
    """Take jobs of the family `media` for as long as the block lasts."""
    connection = await open_broker(read_rabbitmq(bindings), name="test")
    async with connection:
        consumer = Consumer(
            queues=JobQueues(await open_channel(connection, prefetch=1)),
            done=JobsDone(jobs.postgres),
            handlers=handlers,
            obituaries={},
            lane=Lane(frozenset({"media"}), 1),
            policy=POLICY,
        )
        await consumer.start()
        yield
        await consumer.stop(grace=5)


def count(result: str) -> float:
    return REGISTRY.get_sample_value("jobs_total", {"kind": KIND, "result": result}) or 0


async def test_an_older_worker_leaves_it_to_a_newer_one(binding_root: Path, jobs: Jobs) -> None:
    job = Job(create_id(), KIND, {"for": "tomorrow"}, read_clock())
    carried_out: list[Job] = []

    async def carry_out(job: Job, *, now: datetime) -> None:
        carried_out.append(job)

    async def is_put_off() -> bool:
        return count("retried") > before

    before = count("retried")
    async with run_consumer(binding_root, jobs, {}):
        await jobs.publish("media", build_job_body(job))
        await wait_until(is_put_off, what="the older worker to leave it")
    async with run_consumer(binding_root, jobs, {KIND: carry_out}):
        await jobs.wait_done(job.id)
    assert [(one.id, one.payload) for one in carried_out] == [(job.id, job.payload)]
    assert await jobs.count(DEAD_QUEUE) == 0


async def test_it_is_a_dead_letter_when_no_newer_worker_comes(
    binding_root: Path, jobs: Jobs
) -> None:
    async with run_worker(binding_root):
        job_id = await jobs.write(KIND, {})
        letter = await jobs.wait_dead()
    assert str(job_id) in letter.body.decode()
    assert letter.headers["x-sup-attempt"] == 3
    assert KIND in str(letter.headers["x-sup-reason"])
