"""The switch for events reaches the statement that stores a message."""

from pathlib import Path

import pytest
from support.socket_service import build_send, run_sockets

pytestmark = pytest.mark.services

COUNT = "SELECT count(*) FROM event_outbox"


@pytest.mark.parametrize(("is_on", "wanted"), [(True, 1), (False, 0)])
async def test_a_message_sent_over_a_socket_leaves_an_event_when_they_are_on(
    socket_bindings: Path, postgres_url: str, *, is_on: bool, wanted: int
) -> None:
    async with run_sockets(socket_bindings, postgres_url, events_enabled=is_on) as sockets:
        ada, _, chat_id = await sockets.register_pair()
        client = await sockets.log_in(ada)
        await client.ask("sent", **build_send(chat_id))
        assert await sockets.pool.fetchval(COUNT) == wanted
