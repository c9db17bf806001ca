"""Lets the SDK reach a domain at an address of our choice: a CONNECT proxy for that one name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CONNECT_SECONDS = 5.0
HEADER_LIMIT = 8192


@asynccontextmanager
async def open_tunnel(name: str, *, address: str, port: int) -> AsyncIterator[str]:
    """Yield the URL of a proxy on loopback: who asks for `name` (host:port) gets to `address`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _lead(reader, writer, name=name, address=address, port=port)
        # One that goes away, or asks for something else, ends only its own connection.
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=HEADER_LIMIT)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _lead(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    name: str,
    address: str,
    port: int,
) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(f"CONNECT {name} ".encode()):
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            await writer.drain()
            return
        there_reader, there_writer = await asyncio.open_connection(address, port)
    try:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
    finally:
        there_writer.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    finally:
        target.close()
