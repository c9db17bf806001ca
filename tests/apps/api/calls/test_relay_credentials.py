"""Credentials are what one begins to relay with; what was begun in time outlives them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from aioice import stun
from aioice.turn import TurnClientUdpProtocol
from support.processes.coturn import TurnServer
from support.waiting import wait_until

from supmessenger_api.calls.admission import build_turn_credentials
from supmessenger_common.identifiers import read_clock

pytestmark = pytest.mark.services
LIFE = timedelta(seconds=6)
RELAY_SECONDS = 600


async def open_client(server: TurnServer, username: str, credential: str) -> TurnClientUdpProtocol:
    """Return a caller of the relay who has not asked for anything yet."""
    address = ("127.0.0.1", server.port)
    _, client = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: TurnClientUdpProtocol(address, username, credential, RELAY_SECONDS, RELAY_SECONDS),
        remote_addr=address,
    )
    return client


async def test_a_call_that_goes_over_the_relay_outlives_its_credentials(
    turn_server: TurnServer,
) -> None:
    username, credential = build_turn_credentials(
        turn_server.shared_secret, uuid4(), expires_at=read_clock() + LIFE
    )

    async def is_refused() -> bool:
        late = await open_client(turn_server, username, credential)
        try:
            await late.connect()
        except stun.TransactionFailed as refused:
            return refused.response.error_code == 401
        else:
            await late.delete()
            return False
        finally:
            late.transport.close()

    caller = await open_client(turn_server, username, credential)
    await caller.connect()
    await wait_until(is_refused, what="the credentials to expire", seconds=60)
    await caller.channel_bind(0x4000, ("127.0.0.1", 9))
    refresh = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
    refresh.attributes["LIFETIME"] = RELAY_SECONDS
    answer, _ = await caller.request_with_retry(refresh)
    assert answer.attributes["LIFETIME"] == RELAY_SECONDS
    await caller.delete()
