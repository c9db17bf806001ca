"""When rows of the outbox leave for the broker, and which of them count as late."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from support.mail_sink import MailSink
from support.waiting import wait_until
from support.worker_service import Jobs, build_verification, run_worker

from supmessenger_common.identifiers import read_clock
from supmessenger_common.outbox import enqueue_job
from supmessenger_worker.relay import OUTBOX_PENDING

pytestmark = pytest.mark.services


async def test_many_rows_are_relayed_in_batches(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    ids = [await jobs.write("media.delete", {"objectKey": f"files/{n}"}) for n in range(250)]
    async with run_worker(binding_root):
        for job_id in ids:
            await jobs.wait_done(job_id)
        await wait_until(jobs.is_relayed, what="the rows to leave")


async def test_what_waits_for_its_time_is_not_counted_as_pending(
    binding_root: Path, jobs: Jobs
) -> None:
    later = await jobs.write("media.delete", {"objectKey": "files/later"})
    query = "UPDATE outbox SET available_at = now() + interval '1 hour' WHERE id = $1"
    await jobs.postgres.execute(query, later)
    async with run_worker(binding_root):
        OUTBOX_PENDING.set(-1)
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "files/now"}))

        # The row of before may have been counted while it was on its way.
        async def is_nothing_late() -> bool:
            return REGISTRY.get_sample_value("outbox_pending") == 0

        await wait_until(is_nothing_late, what="the outbox to be counted")
    assert await jobs.postgres.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_row_for_later_is_found_by_an_idle_worker_when_its_time_has_come(
    binding_root: Path, jobs: Jobs
) -> None:
    async with run_worker(binding_root):
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "files/now"}))
        now = read_clock()
        due = now + timedelta(seconds=1)
        async with jobs.postgres.acquire() as connection:
            payload = {"objectKey": "files/later"}
            later = await enqueue_job(connection, "media.delete", payload, now=now, not_before=due)
        await jobs.wait_done(later)
    query = "SELECT done_at FROM jobs_done WHERE id = $1"
    assert await jobs.postgres.fetchval(query, later) >= due


async def test_a_row_of_a_kind_no_queue_takes_is_put_aside(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    strange = await jobs.write("strange.kind", {})
    async with run_worker(binding_root):
        await jobs.wait_done(await jobs.write("email.verification", build_verification()))

        async def is_put_aside() -> bool:
            query = "SELECT available_at > now() FROM outbox WHERE id = $1"
            return bool(await jobs.postgres.fetchval(query, strange))

        await wait_until(is_put_aside, what="the row to be put aside")
