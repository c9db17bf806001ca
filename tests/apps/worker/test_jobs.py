"""From a row of the outbox to its effect, through the real broker."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import quote

import obstore
import pytest
from prometheus_client import REGISTRY
from support.bindings import write_binding
from support.mail_sink import MailSink
from support.processes.rabbitmq import RabbitServer
from support.tcp_gate import open_gate
from support.waiting import wait_until
from support.worker_service import DOMAIN, Jobs, build_verification, run_worker

from supmessenger_common.bindings import read_object_storage
from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_common.objects import open_bucket

pytestmark = pytest.mark.services


async def test_a_row_becomes_a_mail(binding_root: Path, mail_sink: MailSink, jobs: Jobs) -> None:
    async with run_worker(binding_root):
        job_id = await jobs.write("email.verification", build_verification())
        await jobs.wait_done(job_id)
        await wait_until(jobs.is_relayed, what="the row to leave")
    assert [mail["To"] for mail in mail_sink.mails] == ["ada@example.org"]
    assert mail_sink.mails[0]["Message-ID"] == f"<{job_id}@{DOMAIN}>"


async def test_a_row_relayed_twice_is_one_mail(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    async with run_worker(binding_root):
        job_id = await jobs.write("email.verification", build_verification())
        await jobs.wait_done(job_id)
        await wait_until(jobs.is_relayed, what="the row to leave")
        # As after a crash between the broker's confirmation and the row's deletion.
        await jobs.write("email.verification", build_verification(), job_id=job_id)
        last = await jobs.write("email.verification", build_verification("bob@example.org"))
        await jobs.wait_done(last)
    assert sorted(mail["To"] for mail in mail_sink.mails) == ["ada@example.org", "bob@example.org"]


async def test_jobs_wait_while_the_broker_is_away_and_go_on_when_it_is_back(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs, rabbitmq_server: RabbitServer
) -> None:
    async with open_gate(rabbitmq_server.port) as gate:
        write_binding(binding_root, "rabbitmq", {"port": str(gate.port)})
        async with run_worker(binding_root) as worker:
            await gate.shut()

            async def is_unready() -> bool:
                return not await worker.is_ready()

            await wait_until(is_unready, what="readiness to name the broker")
            answer = (await worker.client.get("/readyz")).json()
            failed = [check["name"] for check in answer["checks"] if not check["ok"]]
            assert failed == ["rabbitmq"]
            job_id = await jobs.write("email.verification", build_verification())
            await gate.open()
            await jobs.wait_done(job_id)
            await wait_until(worker.is_ready, what="the worker to be ready again")
    assert len(mail_sink.mails) == 1


async def test_jobs_go_on_after_the_broker_closed_the_connection(
    binding_root: Path,
    mail_sink: MailSink,
    jobs: Jobs,
    rabbitmq_server: RabbitServer,
    rabbitmq_vhost: str,
) -> None:
    names: list[str] = []

    async def is_listed() -> bool:
        # The broker's own list lags some seconds behind.
        path = f"/api/vhosts/{rabbitmq_vhost}/connections"
        found = await asyncio.to_thread(rabbitmq_server.call, "GET", path)
        told = [(item.get("client_properties", {}), item["name"]) for item in found]
        names[:] = [name for client, name in told if client.get("connection_name") == "sup-worker"]
        return bool(names)

    async with run_worker(binding_root):
        await jobs.wait_done(await jobs.write("email.verification", build_verification()))
        await wait_until(is_listed, what="the connection to be listed", seconds=30)
        path = f"/api/connections/{quote(names[0], safe='')}"
        await asyncio.to_thread(rabbitmq_server.call, "DELETE", path)
        # As when the broker ends in order: it says goodbye before it goes.
        await jobs.wait_done(await jobs.write("email.verification", build_verification()))
    assert len(mail_sink.mails) == 2


async def test_a_worker_starts_before_what_it_needs(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs, rabbitmq_server: RabbitServer
) -> None:
    async with open_gate(rabbitmq_server.port) as gate:
        write_binding(binding_root, "rabbitmq", {"port": str(gate.port)})
        await gate.shut()
        async with run_worker(binding_root, ready=False) as worker:
            assert (await worker.client.get("/healthz")).status_code == 200
            assert not await worker.is_ready()
            await gate.open()
            await wait_until(worker.is_ready, what="the worker to be ready", seconds=60)


async def test_a_worker_ends_also_while_the_broker_is_away(
    binding_root: Path, rabbitmq_server: RabbitServer
) -> None:
    async with open_gate(rabbitmq_server.port) as gate:
        write_binding(binding_root, "rabbitmq", {"port": str(gate.port)})
        async with asyncio.timeout(60), run_worker(binding_root):
            await gate.shut()
            began = time.monotonic()
    assert time.monotonic() - began < 8


async def test_a_job_that_fails_for_now_is_tried_again(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.replies[:] = ["451 come back later", "452 still full"]
    async with run_worker(binding_root):
        await jobs.wait_done(await jobs.write("email.verification", build_verification()))
    assert len(mail_sink.mails) == 1
    assert mail_sink.replies == []


async def test_a_job_out_of_attempts_is_a_dead_letter_with_its_reason(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.replies[:] = ["451 no"] * 3
    async with run_worker(binding_root):
        job_id = await jobs.write("email.verification", build_verification())
        letter = await jobs.wait_dead()
    assert str(job_id) in letter.body.decode()
    assert letter.headers["x-sup-attempt"] == 3
    assert letter.headers["x-sup-queue"] == "sup.jobs.email"
    assert "451" in str(letter.headers["x-sup-reason"])
    assert mail_sink.mails == []


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("email.verification", {"email": "nobody"}, "payload.username"),
        ("media.delete", {}, "objectKey"),
    ],
)
async def test_a_job_that_can_never_work_is_a_dead_letter_at_once(
    binding_root: Path,
    mail_sink: MailSink,
    jobs: Jobs,
    kind: str,
    payload: dict[str, str],
    reason: str,
) -> None:
    async with run_worker(binding_root):
        await jobs.write(kind, payload)
        letter = await jobs.wait_dead()
    assert reason in str(letter.headers["x-sup-reason"])
    assert letter.headers["x-sup-attempt"] == 1


async def test_a_recipient_refused_for_good_is_not_asked_again(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.replies[:] = ["550 no such user"]
    async with run_worker(binding_root):
        await jobs.write("email.verification", build_verification())
        letter = await jobs.wait_dead()
    assert "550" in str(letter.headers["x-sup-reason"])
    assert mail_sink.mails == []


async def test_a_message_that_is_no_job_blocks_nobody(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    async with run_worker(binding_root):
        await jobs.publish("email", b"not json")
        letter = await jobs.wait_dead()
        await jobs.wait_done(await jobs.write("email.verification", build_verification()))
    assert letter.body == b"not json"


async def test_mails_stay_in_their_queue_until_a_worker_has_a_mail_server(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    smtp = binding_root / "smtp"
    aside = smtp.rename(binding_root / "kept-aside")
    async with run_worker(binding_root):
        job_id = await jobs.write("email.verification", build_verification())
        await wait_until(jobs.is_relayed, what="the row to leave")
        other = await jobs.write("media.delete", {"objectKey": "none"})
        await jobs.wait_done(other)
    assert await jobs.count("sup.jobs.email") == 1
    aside.rename(smtp)
    async with run_worker(binding_root):
        await jobs.wait_done(job_id)
    assert len(mail_sink.mails) == 1


async def test_a_deleted_file_leaves_the_object_store(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    bucket = open_bucket(read_object_storage(binding_root), "media")
    await obstore.put_async(bucket, "files/gone", b"x")
    await obstore.put_async(bucket, "files/kept", b"x")
    async with run_worker(binding_root):
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "files/gone"}))
        await jobs.wait_done(await jobs.write("media.delete", {"objectKey": "files/never"}))
    listed = await obstore.list(bucket).collect_async()
    assert [item["path"] for item in listed] == ["files/kept"]


async def test_a_worker_told_to_end_finishes_what_it_began(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    mail_sink.open.clear()
    async with run_worker(binding_root):
        job_id = await jobs.write("email.verification", build_verification())
        async with asyncio.timeout(60):
            await mail_sink.reached.wait()
        asyncio.get_running_loop().call_later(0.3, mail_sink.open.set)
    assert len(mail_sink.mails) == 1
    assert await jobs.postgres.fetchval("SELECT kind FROM jobs_done WHERE id = $1", job_id)


async def test_a_job_that_ends_its_worker_again_and_again_is_a_dead_letter(
    binding_root: Path, mail_sink: MailSink, jobs: Jobs
) -> None:
    async with run_worker(binding_root):
        pass  # the queues exist now
    body = (
        f'{{"id": "{create_id()}", "kind": "email.verification", "payload": {{}}, '
        f'"createdAt": "{read_clock().isoformat()}"}}'
    )
    headers: dict[str, str | int] = {"x-sup-interruptions": 5}
    await jobs.publish("email", body.encode(), **headers)
    # Somebody takes it and ends without a word.
    message = await (await jobs.channel.get_queue("sup.jobs.email")).get()
    await message.nack(requeue=True)
    async with run_worker(binding_root):
        letter = await jobs.wait_dead()
    assert "interrupted 6 times" in str(letter.headers["x-sup-reason"])


def read_retried() -> float:
    labels = {"kind": "email.verification", "result": "retried"}
    return REGISTRY.get_sample_value("jobs_total", labels) or 0
