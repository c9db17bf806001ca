"""From a stored message to an event in a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from support.bindings import build_kafka_binding, write_binding
from support.event_log import (
    SECRET,
    Writer,
    create_writer,
    drop_repeats,
    list_seqs,
    read_events,
    run_relay,
)
from support.processes.kafka import KafkaServer, kill_broker, start_broker
from support.processes.servers import Run
from support.waiting import wait_until

from supmessenger_common.bindings import read_kafka, read_postgres
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import format_time, read_clock
from supmessenger_worker.checks.kafka import probe_kafka
from supmessenger_worker.checks.model import CheckFailedError
from supmessenger_worker.events.kafka import KafkaRefusal, reach_kafka

pytestmark = pytest.mark.services


@pytest.fixture
async def writer(postgres: Pool) -> Writer:
    """Somebody who writes."""
    return await create_writer(postgres)


@pytest.fixture
def root(bindings_folder: Path, postgres_binding: Path, kafka_binding: Path) -> Path:
    """Bindings of the database and of the run's Kafka."""
    return bindings_folder


@pytest.fixture
async def own_kafka(server_run: Run, tmp_path: Path) -> AsyncIterator[list[KafkaServer]]:
    """A broker of this test alone that may be killed; the last of the list runs."""
    run = Run(tmp_path, watch=server_run.watch, keep_data=True)
    servers = [await asyncio.to_thread(start_broker, run, tmp_path)]
    yield servers
    kill_broker(servers[-1])


async def test_a_stored_message_becomes_an_event_without_its_content(
    root: Path, writer: Writer, kafka_topic: str
) -> None:
    chat_id = await writer.open_chat()
    stored = await writer.send(chat_id)
    async with run_relay(root, kafka_topic):
        await wait_until(writer.are_all_relayed, what="the event to leave", seconds=30)
    (event,) = await read_events(root, kafka_topic)
    assert event == {
        "id": str(stored.id),
        "chatId": str(chat_id),
        "seq": 1,
        "messageId": str(stored.id),
        "senderId": str(writer.user_id),
        "senderDeviceId": str(writer.device_id),
        "contentType": "text/plain",
        "encrypted": True,
        "sentAt": format_time(stored.sent_at),
    }
    assert SECRET not in str(event)


async def test_events_of_a_chat_are_in_order_whoever_writes_at_once(
    root: Path, writer: Writer, kafka_topic: str
) -> None:
    chats = [await writer.open_chat() for _ in range(5)]
    async with run_relay(root, kafka_topic):
        for _ in range(10):
            await asyncio.gather(*(writer.send(chat) for chat in chats for _ in range(12)))
        await wait_until(writer.are_all_relayed, what="the events to leave", seconds=30)
    events = await read_events(root, kafka_topic)
    for chat in chats:
        assert list_seqs(events, chat) == list(range(1, 121))


async def test_a_second_relay_waits_and_takes_over(
    root: Path, writer: Writer, kafka_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supmessenger_worker.events.relay.TURN_SECONDS", 0.1)
    chat_id = await writer.open_chat()
    async with run_relay(root, kafka_topic) as first, run_relay(root, kafka_topic):
        for _ in range(20):
            await asyncio.gather(*(writer.send(chat_id) for _ in range(10)))
        await wait_until(writer.are_all_relayed, what="the events to leave", seconds=30)
        assert list_seqs(await read_events(root, kafka_topic), chat_id) == list(range(1, 201))
        first.cancel()
        await asyncio.gather(*(writer.send(chat_id) for _ in range(10)))
        await wait_until(writer.are_all_relayed, what="the other one to relay", seconds=30)
    events = drop_repeats(await read_events(root, kafka_topic))
    assert list_seqs(events, chat_id) == list(range(1, 211))


async def test_events_wait_while_kafka_is_away_and_leave_in_order_when_it_is_back(
    bindings_folder: Path,
    postgres_binding: Path,
    writer: Writer,
    own_kafka: list[KafkaServer],
    kafka_topic: str,
    tmp_path: Path,
    server_run: Run,
) -> None:
    (server,) = own_kafka
    write_binding(bindings_folder, "kafka", build_kafka_binding(server))
    chats = [await writer.open_chat() for _ in range(3)]
    async with run_relay(bindings_folder, kafka_topic):
        await asyncio.gather(*(writer.send(chat) for chat in chats for _ in range(20)))
        kill_broker(server)
        # Sends go on as before; what Kafka had not confirmed is still there.
        await asyncio.gather(*(writer.send(chat) for chat in chats for _ in range(100)))
        assert await writer.count_waiting() >= 300
        check = await probe(bindings_folder, kafka_topic)
        assert "no Kafka server can be reached" in check
        run = Run(tmp_path, watch=server_run.watch, keep_data=True)
        own_kafka.append(await asyncio.to_thread(start_broker, run, tmp_path, before=server))
        await asyncio.gather(*(writer.send(chat) for chat in chats for _ in range(20)))
        await wait_until(writer.are_all_relayed, what="the events to leave", seconds=60)
        events = drop_repeats(await read_events(bindings_folder, kafka_topic))
        check = await probe(bindings_folder, kafka_topic)
    for chat in chats:
        assert list_seqs(events, chat) == list(range(1, 141))
    assert check == f"topic {kafka_topic}, 6 partitions"


async def test_wrong_credentials_are_told_and_cost_no_event(
    root: Path, writer: Writer, kafka_topic: str, postgres: Pool
) -> None:
    write_binding(root, "kafka", {"password": "guessed"})
    chat_id = await writer.open_chat()
    await writer.send(chat_id)
    binding = read_kafka(root)
    assert binding is not None
    with pytest.raises(KafkaRefusal, match="refuses user name or password") as refused:
        await reach_kafka(binding)
    assert "guessed" not in str(refused.value)
    async with run_relay(root, kafka_topic):

        async def is_told() -> bool:
            told = await postgres.fetchval("SELECT failure FROM event_relay")
            return "refuses user name or password" in str(told)

        await wait_until(is_told, what="the failure to be noted", seconds=30)
    assert await writer.count_waiting() == 1
    assert "refuses user name or password" in await probe(root, kafka_topic)


async def test_events_beyond_the_bound_are_given_up_oldest_first_and_told(
    root: Path, writer: Writer, kafka_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supmessenger_worker.events.relay.TEND_SECONDS", 0.05)
    good = (root / "kafka" / "password").read_text()
    write_binding(root, "kafka", {"password": "guessed"})
    chat_id = await writer.open_chat()
    for _ in range(8):
        await writer.send(chat_id)
    before = count_dropped("too_many")
    async with run_relay(root, kafka_topic, most_pending=3):
        # The rows are gone a moment before they are counted.
        async def is_counted() -> bool:
            return count_dropped("too_many") > before

        await wait_until(is_counted, what="the oldest to be given up", seconds=30)
    assert await writer.count_waiting() == 3
    assert count_dropped("too_many") - before == 5
    write_binding(root, "kafka", {"password": good})
    async with run_relay(root, kafka_topic):
        await wait_until(writer.are_all_relayed, what="the rest to leave", seconds=30)
    # The gap shows in the seqs, which have none otherwise.
    assert list_seqs(await read_events(root, kafka_topic), chat_id) == [6, 7, 8]
    assert "; 5 events were given up, the last 2" in await probe(root, kafka_topic)


async def test_events_that_are_too_old_are_given_up(
    root: Path, writer: Writer, kafka_topic: str, postgres: Pool
) -> None:
    chat_id = await writer.open_chat()
    for _ in range(3):
        await writer.send(chat_id)
    long_ago = read_clock() - timedelta(days=8)
    await postgres.execute("UPDATE event_outbox SET created_at = $1 WHERE seq < 3", long_ago)
    before = count_dropped("too_old")
    async with run_relay(root, kafka_topic, oldest=timedelta(days=7)):
        await wait_until(writer.are_all_relayed, what="the rest to leave", seconds=30)
    assert count_dropped("too_old") - before == 2
    assert list_seqs(await read_events(root, kafka_topic), chat_id) == [3]


async def test_events_that_nobody_relays_fail_the_check(
    root: Path, writer: Writer, kafka_topic: str, postgres: Pool
) -> None:
    await writer.send(await writer.open_chat())
    assert await probe(root, kafka_topic) == f"no topic {kafka_topic} yet"
    await postgres.execute("UPDATE event_outbox SET created_at = now() - interval '3 minutes'")
    assert "events wait since" in await probe(root, kafka_topic)


async def probe(root: Path, topic: str) -> str:
    """Return what the worker's check says of Kafka, good or bad."""
    binding = read_kafka(root)
    assert binding is not None
    try:
        answer: Any = await probe_kafka(binding, read_postgres(root), topic=topic)
    except CheckFailedError as error:
        return str(error)
    return str(answer.message)


def count_dropped(reason: str) -> float:
    """Return the metric of what was given up."""
    return REGISTRY.get_sample_value("events_dropped_total", {"reason": reason}) or 0.0
