"""A caller of a TURN relay who asks what he may reach."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from aioice import stun
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol

from supmessenger_common.bindings import TurnBinding
from supmessenger_worker.checks.turn import build_credentials

ALLOWED = 0
FORBIDDEN = 403
_LIFETIME_SECONDS = 60


@dataclass(frozen=True)
class Caller:
    """Who asks a relay, with the secret that credentials are made of."""

    host: str
    port: int
    secret: str
    transport: str = "udp"

    async def ask(self, *peers: str, port: int = 7882) -> tuple[dict[str, int], tuple[str, int]]:
        """Allocate, ask to reach each peer, give all back; return the answers and what relays."""
        client = await self._connect()
        try:
            relayed = await client.connect()
            answers = {}
            for channel, peer in enumerate(peers, start=0x4000):
                try:
                    await client.channel_bind(channel, (peer, port))
                    answers[peer] = ALLOWED
                except stun.TransactionFailed as refused:
                    answers[peer] = refused.response.error_code or -1
            return answers, relayed
        finally:
            await client.delete()

    async def _connect(self) -> TurnClientUdpProtocol | TurnClientTcpProtocol:
        loop, address = asyncio.get_running_loop(), (self.host, self.port)
        binding = TurnBinding(shared_secret=self.secret)
        username, password = build_credentials(binding, "test", now=time.time())
        if self.transport == "udp":
            _, datagrams = await loop.create_datagram_endpoint(
                lambda: TurnClientUdpProtocol(
                    address, username, password, _LIFETIME_SECONDS, _LIFETIME_SECONDS
                ),
                remote_addr=address,
            )
            return datagrams
        _, stream = await loop.create_connection(
            lambda: TurnClientTcpProtocol(
                address, username, password, _LIFETIME_SECONDS, _LIFETIME_SECONDS
            ),
            host=self.host,
            port=self.port,
        )
        return stream
