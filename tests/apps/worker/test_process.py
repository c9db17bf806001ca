"""`sup-worker` as a process: killed in the middle of a job, and told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from aiormq.abc import FieldTable
from support.mail_sink import MailSink
from support.processes.servers import probe_free_port
from support.waiting import wait_until
from support.worker_service import DOMAIN, Jobs, build_verification, run_worker

from supmessenger_common.broker import DEAD_QUEUE, Job, build_job_body
from supmessenger_common.identifiers import create_id, read_clock

pytestmark = pytest.mark.services
# As every process in a pod: root keeps its name here, and none of its rights.
NO_RIGHTS: tuple[str, ...] = (
    ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()
)
# As the broker module declares them; RabbitMQ refuses others.
QUEUE_ARGUMENTS: FieldTable = {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD_QUEUE,
}


async def test_a_job_whose_worker_was_killed_is_carried_out_by_the_next(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.open.clear()
    async with run_process(binding_root) as process:
        job_id = await jobs.write("email.verification", build_verification())
        async with asyncio.timeout(60):
            await mail_sink.reached.wait()
        await wait_until(jobs.is_relayed, what="the row to leave")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    mail_sink.open.set()
    taken = len(mail_sink.mails)
    async with run_worker(binding_root):
        await jobs.wait_done(job_id)
    assert len(mail_sink.mails) == taken + 1


async def test_the_process_ends_with_zero_when_told(binding_root: Path, jobs: Jobs) -> None:
    async with run_process(binding_root) as process:
        await wait_for_consumers(jobs)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0


async def test_its_environment_is_closed_to_other_processes_of_its_user(
    binding_root: Path, jobs: Jobs
) -> None:
    async with run_process(binding_root, without=NO_RIGHTS) as process:
        await wait_for_consumers(jobs)
        assert await can_look_into(process.pid) is False
    ordinary = await asyncio.create_subprocess_exec(
        *NO_RIGHTS, "cat", stdin=asyncio.subprocess.PIPE
    )
    try:
        # Until it has given its rights away it is closed as well.
        looked = partial(can_look_into, ordinary.pid)
        await wait_until(looked, what="an ordinary process to be looked into")
    finally:
        ordinary.kill()
        await ordinary.wait()


async def can_look_into(pid: int) -> bool:
    """Tell whether another process of the same user reads a process's environment."""
    process = await asyncio.create_subprocess_exec(
        *(*NO_RIGHTS, "cat", f"/proc/{pid}/environ"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        return await process.wait() == 0


async def test_told_to_end_it_takes_no_more_jobs_while_it_finishes_one(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.open.clear()
    port = probe_free_port()
    settings = {"SUP_PORT": str(port), "SUP_DRAIN_SECONDS": "20"}
    async with run_process(binding_root, settings) as process:
        await wait_for_consumers(jobs)
        begun = await jobs.write("email.verification", build_verification())
        async with asyncio.timeout(60):
            await mail_sink.reached.wait()
        process.send_signal(signal.SIGTERM)
        await wait_for_consumers(jobs, count=0)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        body = build_job_body(Job(create_id(), "maintenance.nothing", {}, read_clock()))
        await jobs.publish("maintenance", body)
        mail_sink.open.set()
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    await jobs.wait_done(begun)
    assert await jobs.count("sup.jobs.maintenance") == 1


@asynccontextmanager
async def run_process(
    bindings: Path, settings: dict[str, str] | None = None, *, without: tuple[str, ...] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `sup-worker` as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *without,
        str(Path(sys.executable).with_name("sup-worker")),
        env={
            "PATH": os.environ["PATH"],
            "SERVICE_BINDING_ROOT": str(bindings),
            "SUP_DOMAIN": DOMAIN,
            "SUP_HOST": "127.0.0.1",
            "SUP_PORT": "0",
            "SUP_METRICS_PORT": "0",
            "SUP_DRAIN_SECONDS": "2",
            **(settings or {}),
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def wait_for_consumers(jobs: Jobs, *, count: int = 1) -> None:
    async def is_consumed() -> bool:
        queue = await jobs.channel.declare_queue(
            "sup.jobs.maintenance", durable=True, arguments=QUEUE_ARGUMENTS
        )
        return queue.declaration_result.consumer_count == count

    await wait_until(is_consumed, what=f"{count} workers to take jobs", seconds=60)
