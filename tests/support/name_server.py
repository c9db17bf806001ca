"""A name server for tests: it knows some names, and says of all others that there are none."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import cast

_A, _IN = 1, 1
_ANSWER, _NO_SUCH_NAME = 0x8180, 0x8183


class _Names(asyncio.DatagramProtocol):
    def __init__(self, names: Mapping[str, str], asked: list[str]) -> None:
        self._names = names
        self._asked = asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = _parse_name(data)
        self._asked.append(name)
        (kind,) = struct.unpack_from("!H", data, end)
        question = data[12 : end + 4]
        address = self._names.get(name)
        has_answer = address is not None and kind == _A
        flags = _NO_SUCH_NAME if address is None else _ANSWER
        head = data[:2] + struct.pack("!5H", flags, 1, int(has_answer), 0, 0)
        record = b""
        if has_answer and address is not None:
            packed = IPv4Address(address).packed
            record = struct.pack("!HHHLH", 0xC00C, _A, _IN, 5, len(packed)) + packed
        self._transport.sendto(head + question + record, addr)


def _parse_name(data: bytes) -> tuple[str, int]:
    labels, position = [], 12
    while data[position]:
        size = data[position]
        labels.append(data[position + 1 : position + 1 + size].decode())
        position += size + 1
    return ".".join(labels), position + 1


@asynccontextmanager
async def serve_names(names: Mapping[str, str], asked: list[str]) -> AsyncIterator[int]:
    """Answer on a free UDP port, which is yielded; names that were asked for go into `asked`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Names(names, asked), local_addr=("127.0.0.1", 0)
    )
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
