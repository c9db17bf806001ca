"""Loopback listeners that answer as a test wishes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def serve_connections(
    *, answer: bytes = b"", tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Accept connections, write `answer` to each after its first bytes, and yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if answer and await reader.read(65536):
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        except ConnectionError:
            return  # the client was satisfied before we were
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


@asynccontextmanager
async def hold_silent_port() -> AsyncIterator[int]:
    """Accept connections and say nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
