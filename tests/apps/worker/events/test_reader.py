"""`sup-events` on a topic that holds much more than is asked for."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # has none
from support.event_log import get_binding

from supmessenger_common.identifiers import create_id, read_clock
from supmessenger_worker.events.kafka import build_options, ensure_topic
from supmessenger_worker.events.reader import build_parser, parse_since, print_events

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = 5_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-11-22T11:30:00Z", NOW - timedelta(minutes=30)),
        ("2026-11-22T12:30:00+01:00", NOW - timedelta(minutes=30)),
        ("2026-11-22T11:30:00", NOW - timedelta(minutes=30)),
        ("all", None),
    ],
)
def test_since_is_a_span_or_a_time(text: str, moment: datetime | None) -> None:
    assert parse_since(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "10", "yesterday", "10w", "999999d", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="say 10m, 2h"):
        parse_since(text, now=NOW)


def test_without_a_word_the_last_hour_is_meant() -> None:
    assert build_parser(now=NOW).parse_args([]).since == NOW - timedelta(hours=1)


@pytest.fixture
async def topic(bindings_folder: Path, kafka_binding: Path, kafka_topic: str) -> str:
    """A topic with many events of yesterday and two of now, of one chat."""
    binding = get_binding(bindings_folder)
    await ensure_topic(binding, kafka_topic)
    yesterday = int((read_clock() - timedelta(days=1)).timestamp() * 1000)
    producer = AIOKafkaProducer(**build_options(binding, client_id="test"), linger_ms=5)
    await producer.start()
    try:
        for number in range(OLD):
            chat = CHATS[number % len(CHATS)]
            await producer.send(kafka_topic, **record(chat, number), timestamp_ms=yesterday)
        await producer.flush()
        for number in (OLD, OLD + 1):
            await producer.send_and_wait(kafka_topic, **record(CHATS[0], number))
        await producer.send_and_wait(kafka_topic, **record(CHATS[1], 1))
    finally:
        await producer.stop()
    return kafka_topic


CHATS = [str(create_id()) for _ in range(10)]


def record(chat: str, number: int) -> dict[str, bytes]:
    return {"key": chat.encode(), "value": json.dumps({"chatId": chat, "seq": number}).encode()}


async def read(
    root: Path,
    topic: str,
    capsys: pytest.CaptureFixture[str],
    *,
    since: datetime | None,
    chat: str | None = None,
) -> list[dict[str, Any]]:
    capsys.readouterr()
    await print_events(root, topic=topic, chat=chat, since=since, timeout=30)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.services
async def test_what_is_older_is_not_read(
    bindings_folder: Path, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = read_clock()
    recent = await read(bindings_folder, topic, capsys, since=now - timedelta(hours=1))
    assert len(recent) == 3
    own = await read(bindings_folder, topic, capsys, since=now - timedelta(hours=1), chat=CHATS[0])
    assert [event["seq"] for event in own] == [OLD, OLD + 1]
    # Nothing that new: every partition is left at its end.
    assert await read(bindings_folder, topic, capsys, since=now + timedelta(hours=1)) == []
    assert len(await read(bindings_folder, topic, capsys, since=None)) == OLD + 3
    two_days = await read(bindings_folder, topic, capsys, since=now - timedelta(days=2))
    assert len(two_days) == OLD + 3
    # Before the clock of Kafka begins.
    ancient = await read(bindings_folder, topic, capsys, since=datetime(1900, 1, 1, tzinfo=UTC))
    assert len(ancient) == OLD + 3


@pytest.mark.services
async def test_a_read_that_takes_too_long_says_what_to_do(
    bindings_folder: Path, topic: str
) -> None:
    with pytest.raises(TimeoutError, match="--since 10m reads less"):
        await print_events(bindings_folder, topic=topic, chat=None, since=None, timeout=0.001)
