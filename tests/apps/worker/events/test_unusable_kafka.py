"""A Kafka that can not be used as it is described: told, bounded, and at nobody else's cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bindings import write_binding
from support.event_log import create_writer, run_relay
from support.waiting import wait_until
from support.worker_service import run_worker

from supmessenger_common.database import Pool

pytestmark = pytest.mark.services

DESCRIBED = {
    "bootstrap-servers": "127.0.0.1:9092",
    "security-protocol": "SASL_PLAINTEXT",
    "username": "sup",
    "password": "p",
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bootstrap-servers", "kafka-without-a-port"),
        ("bootstrap-servers", f"{'a' * 70}.example.org:9092"),
        ("sasl-mechanism", "GSSAPI"),
    ],
)
async def test_whatever_the_library_stumbles_over_is_told_and_what_waits_stays_within_bounds(
    bindings_folder: Path,
    postgres_binding: Path,
    postgres: Pool,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    value: str,
) -> None:
    monkeypatch.setattr("supmessenger_worker.events.relay.TEND_SECONDS", 0.05)
    write_binding(bindings_folder, "kafka", {**DESCRIBED, key: value})
    writer = await create_writer(postgres)
    chat_id = await writer.open_chat()
    for _ in range(5):
        await writer.send(chat_id)

    async def is_told_and_bounded() -> bool:
        told = await postgres.fetchval("SELECT failure FROM event_relay")
        return bool(told) and await writer.count_waiting() == 2

    async with run_relay(bindings_folder, "sup.messages", most_pending=2):
        await wait_until(is_told_and_bounded, what="the failure to be noted", seconds=60)


async def test_a_broken_binding_costs_the_events_alone(binding_root: Path, postgres: Pool) -> None:
    write_binding(binding_root, "kafka", {"bootstrap-servers": "kafka:9092"})
    writer = await create_writer(postgres)
    chat_id = await writer.open_chat()
    for _ in range(5):
        await writer.send(chat_id)

    async def is_bounded() -> bool:
        return await writer.count_waiting() == 2

    async with run_worker(binding_root, events_enabled=True, events_max_pending=2) as worker:
        report = (await worker.client.get("/v1/checks")).json()
        (told,) = [check for check in report["checks"] if check["name"] == "kafka"]
        assert told["ok"] is False
        assert "the binding kafka is missing or broken" in told["message"]
        await wait_until(is_bounded, what="the oldest to be given up", seconds=60)
