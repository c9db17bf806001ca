"""What a stored message leaves for Kafka, by the statement that stores it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from support.event_log import EVENTS, SECRET, Writer, create_writer

from supmessenger_common.database import Pool
from supmessenger_common.errors import PlatformError
from supmessenger_common.identifiers import create_id, format_time
from supmessenger_common.messages.store import store_message

pytestmark = pytest.mark.services


@pytest.fixture
async def writer(postgres: Pool) -> Writer:
    """Somebody who writes."""
    return await create_writer(postgres)


async def read_rows(pool: Pool) -> list[dict[str, Any]]:
    rows = await pool.fetch("SELECT chat_id, seq, body FROM event_outbox ORDER BY id")
    return [{**dict(row), "body": orjson.loads(row["body"])} for row in rows]


async def test_a_message_leaves_an_event_with_all_but_its_content(
    writer: Writer, postgres: Pool
) -> None:
    chat_id = await writer.open_chat()
    stored = await writer.send(chat_id)
    (row,) = await read_rows(postgres)
    assert row == {
        "chat_id": chat_id,
        "seq": stored.seq,
        "body": {
            "messageId": str(stored.id),
            "senderId": str(writer.user_id),
            "senderDeviceId": str(writer.device_id),
            "contentType": "text/plain",
            "encrypted": True,
            "sentAt": format_time(stored.sent_at),
        },
    }
    assert SECRET not in str(row)


async def test_a_public_channel_says_that_it_is_not_encrypted(
    writer: Writer, postgres: Pool
) -> None:
    await writer.send(await writer.open_chat("channel"))
    (row,) = await read_rows(postgres)
    assert row["body"]["encrypted"] is False


async def test_a_repeated_send_leaves_one_event(writer: Writer, postgres: Pool) -> None:
    message = writer.build_message(await writer.open_chat())
    first = await store_message(postgres, message, trails=EVENTS)
    again = await store_message(postgres, replace(message, id=create_id()), trails=EVENTS)
    assert (again.repeated, again.id) == (True, first.id)
    assert len(await read_rows(postgres)) == 1


async def test_a_refused_send_leaves_none(writer: Writer, postgres: Pool) -> None:
    with pytest.raises(PlatformError):
        await writer.send(create_id())
    assert await read_rows(postgres) == []


async def test_no_event_is_left_where_they_are_off(writer: Writer, postgres: Pool) -> None:
    await store_message(postgres, writer.build_message(await writer.open_chat()))
    assert await read_rows(postgres) == []
