"""The switch for events reaches the statement that stores a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.api_service import open_api

from supmessenger_common.database import Pool

pytestmark = pytest.mark.services

COUNT = "SELECT count(*) FROM event_outbox"


@pytest.mark.parametrize(("is_on", "wanted"), [(True, 1), (False, 0)])
async def test_a_message_sent_over_http_leaves_an_event_when_they_are_on(
    postgres: Pool, api_bindings: Path, *, is_on: bool, wanted: int
) -> None:
    async with open_api(postgres, api_bindings, events_enabled=is_on) as api:
        ada, bob = await api.join("ada"), await api.join("bob")
        assert (await ada.send(await ada.create_chat(bob))).status_code == 201
    assert await postgres.fetchval(COUNT) == wanted
