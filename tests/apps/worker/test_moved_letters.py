"""A dead letter that a person moved back into its queue is a job as any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.mail_sink import MailSink
from support.worker_service import Jobs, build_verification, run_worker

from supmessenger_common.broker import Job, build_job_body
from supmessenger_common.identifiers import create_id, read_clock

pytestmark = pytest.mark.services


async def test_it_is_put_off_again_when_it_fails_for_now(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.replies[:] = ["451 no"]
    job = Job(create_id(), "email.verification", build_verification(), read_clock())
    async with run_worker(binding_root):
        # Past the exchange, as the management page moves it: it carries the name of the queue.
        await jobs.publish("email", build_job_body(job))
        await jobs.wait_done(job.id)
    assert len(mail_sink.mails) == 1
