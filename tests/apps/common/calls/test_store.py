"""What is kept and told of a call stays small, however often people come and go."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from support.rooms import insert_call

from supmessenger_common.calls.model import Presence
from supmessenger_common.calls.store import STAYS_LIMIT, find_call, record_presence
from supmessenger_common.database import Pool
from supmessenger_common.identifiers import read_clock

pytestmark = pytest.mark.services
_PEOPLE = """
WITH people AS (
    INSERT INTO users (id, email, username, display_name, password_hash)
    SELECT id, id || '@example.org', 'u' || id, 'x', 'x'
    FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) new RETURNING id
)
INSERT INTO devices (id, user_id, name, registration_id)
SELECT gen_random_uuid(), id, 'd', 1 FROM people RETURNING id
"""


async def insert_devices(postgres: Pool, count: int) -> list[UUID]:
    """Insert people with a device each."""
    return [row["id"] for row in await postgres.fetch(_PEOPLE, count)]


async def test_who_comes_back_again_and_again_has_one_row(postgres: Pool) -> None:
    call_id = (await insert_call(postgres)).id
    (device_id,) = await insert_devices(postgres, 1)
    now = read_clock()
    for number in range(30):
        joined_at = now + timedelta(seconds=number)
        presence = Presence(identity=str(device_id), joined_at=joined_at)
        left_at = joined_at + timedelta(milliseconds=500)
        for told in (None, left_at):
            assert await record_presence(postgres, str(call_id), presence, left_at=told)
    call = await find_call(postgres, call_id)
    assert call is not None
    assert [(stay.joined_at, stay.left_at) for stay in call.stays] == [(joined_at, left_at)]
    assert call.answered_at == now
    rows = "SELECT count(*) FROM call_participants WHERE call_id = $1"
    assert await postgres.fetchval(rows, call_id) == 1


async def test_of_many_visitors_those_who_are_in_and_the_latest_are_told(postgres: Pool) -> None:
    call_id = (await insert_call(postgres)).id
    now = read_clock()
    devices = await insert_devices(postgres, STAYS_LIMIT + 20)
    for number, device_id in enumerate(devices):
        presence = Presence(identity=str(device_id), joined_at=now + timedelta(milliseconds=number))
        # The first ones stay, and all others are gone.
        left_at = None if number < 10 else now + timedelta(minutes=1)
        await record_presence(postgres, str(call_id), presence, left_at=left_at)
    call = await find_call(postgres, call_id)
    assert call is not None
    assert len(call.stays) == STAYS_LIMIT
    assert [stay.device_id for stay in call.stays] == [*devices[:10], *devices[30:]]
